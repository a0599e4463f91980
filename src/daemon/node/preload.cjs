// What lets an unmodified Node program share a listening socket. Node loads it before the program,
// because NODE_OPTIONS names it; it is written for Node 18, 20, 22 and 24.
//
// 1. `listen(PORT)` takes the socket that was handed over as descriptor 3, whoever asks for it: net,
//    http, https, http2, and whatever is built on them.
// 2. The module `cluster` says what it says in a worker of PM2: this is a worker.
// 3. After the stop signal every answer says `Connection: close`. Unless the program has a handler of
//    its own for that signal, no more connections are accepted, requests are answered to their end,
//    idle connections are closed, and the process exits with code 0. SIGTERM and SIGINT count as the stop
//    signal, whichever that is: a definition that is changed may name another one than it did when this
//    process began, and the usual ones are those.
//
// 4. A program that does not listen itself but runs another in its place, as `npm start` does, hands the
//    socket on to it.
//
// In every other process (children of the program, other programs) it does nothing.
'use strict';

const SOCKET = 3;
const VERSIONS = [18, 20, 22, 24];
// For so long an idle connection stays open, so that a client which is about to use it gets its answer.
const GRACE_MS = 1500;
const LOOK_MS = 50;
// For so long connections are accepted that were given to this process already.
const ACCEPT_MS = 20;

const port = Number(process.env.PMDAEMON_SHARED_PORT);
const signals = new Set([process.env.PMDAEMON_STOP_SIGNAL, 'SIGTERM', 'SIGINT']);

if (port > 0 && hasSocket() && require('worker_threads').isMainThread) {
  const major = Number(process.versions.node.split('.')[0]);
  if (VERSIONS.includes(major)) {
    begin();
  } else {
    process.stderr.write(
      `pmdaemon: Node ${major} cannot share port ${port}: use Node ${VERSIONS.join(', ')}, or give each ` +
      'process a port of its own with a range\n');
    process.exit(78);
  }
}

// Whether descriptor 3 is the socket, and not something else that happens to have that number here.
function hasSocket() {
  const wanted = process.env.PMDAEMON_SOCKET;
  if (!wanted || process.versions.bun) return false;
  try {
    const found = require('fs').fstatSync(SOCKET, { bigint: true });
    return found.isSocket() && String(found.ino) === wanted;
  } catch {
    return false;
  }
}

function begin() {
  const net = require('net');
  const servers = new Set();
  beWorker(net);
  share(net, servers);
  endSlowly(net, servers);
  // For modules that import the names one by one.
  require('module').syncBuiltinESMExports();
}

function share(net, servers) {
  const listen = net.Server.prototype.listen;
  let taken = false;
  handOn(() => !taken);

  net.Server.prototype.listen = function (...args) {
    servers.add(this);
    this.once('close', () => servers.delete(this));
    const asked = wanted(args);
    // A second server of this process on the port finds it in use, as it would without us.
    if (!asked || taken) return listen.apply(this, args);
    const callback = args.at(-1);
    if (typeof callback === 'function') this.once('listening', callback);
    const take = () => {
      taken = true;
      onlyFrom(this, asked);
      listen.call(this, { ...asked, fd: SOCKET });
    };
    if (this.listenerCount('connection') > 0) {
      take();
    } else {
      // Whoever only wants to know whether the port is free closes the server again. The socket
      // would be closed with it: such a server gets another one.
      process.nextTick(() => {
        if (this.listenerCount('connection') > 0 && !taken) return take();
        this.address = () => ({ address: asked.host || '::', family: asked.host ? 'IPv4' : 'IPv6', port });
        listen.call(this, { host: '127.0.0.1', port: 0, exclusive: true });
      });
    }
    return this;
  };

  // The options, if they ask for the shared port.
  function wanted(args) {
    let options = args[0];
    if (typeof options !== 'object' || options === null) {
      options = { port: options };
      if (typeof args[1] === 'string') options.host = args[1];
      const backlog = [args[1], args[2]].find((value) => typeof value === 'number');
      if (backlog) options.backlog = backlog;
    }
    if (options._handle || options.handle || options.path || options.fd >= 0) return null;
    const isPort = typeof options.port === 'number' || (typeof options.port === 'string' && options.port.trim());
    return isPort && Number(options.port) === port ? options : null;
  }

  // The socket is on all addresses. A program that names one is reached by no other.
  function onlyFrom(server, { host, ipv6Only }) {
    const plain = (address) => String(address).replace(/^::ffff:/, '');
    const isLoopback = (address) => address === '::1' || address.startsWith('127.');
    let allows;
    if (ipv6Only) {
      allows = (address) => !address.startsWith('::ffff:') && (!host || host === '::' || address === host);
    } else if (!host || host === '::' || host === '0.0.0.0') {
      return;
    } else if (host === 'localhost') {
      allows = (address) => isLoopback(plain(address));
    } else if (net.isIP(host)) {
      allows = (address) => plain(address) === plain(host);
    } else {
      throw new Error(
        `pmdaemon: cannot listen on ${host}:${port} with a shared socket: give an address, localhost, or no host`);
    }
    const emit = server.emit;
    server.emit = function (event, socket, ...rest) {
      if (event === 'connection' && !allows(String(socket.localAddress))) {
        socket.destroy();
        return true;
      }
      return emit.call(this, event, socket, ...rest);
    };
  }
}

// Whoever runs another program in its place shares its output with it, and leaves its descriptor 3 to us.
function handOn(mayHandOn) {
  const { ChildProcess } = require('child_process');
  const spawn = ChildProcess.prototype.spawn;
  const isInherited = (stdio) => stdio === 'inherit' || stdio === 1 || stdio === process.stdout;
  ChildProcess.prototype.spawn = function (options) {
    const stdio = Array.isArray(options.stdio) ? options.stdio : Array(3).fill(options.stdio);
    if (mayHandOn() && stdio.length === 3 && isInherited(stdio[1])) {
      options = { ...options, stdio: [...stdio, SOCKET] };
    }
    return spawn.call(this, options);
  };
}

// As in a worker of PM2, but what it binds by itself it binds by itself.
function beWorker(net) {
  const cluster = require('cluster');
  if (cluster.isWorker) return;
  const worker = new cluster.Worker({ id: Number(process.env.NODE_APP_INSTANCE || 0) + 1, state: 'online' });
  worker.process = process;
  worker.exitedAfterDisconnect = undefined;
  worker.disconnect = () => {
    worker.exitedAfterDisconnect = true;
    process.emit('pmdaemon:leave');
    return worker;
  };
  worker.kill = worker.destroy = () => {
    worker.exitedAfterDisconnect = true;
    process.exit(0);
  };
  // Listening to messages keeps a process alive: only for those who do.
  worker.on('newListener', (event) => {
    if (event === 'message' && worker.listenerCount('message') === 0) {
      process.on('message', (message, handle) => worker.emit('message', message, handle));
    }
  });
  for (const name of ['fork', 'setupPrimary', 'setupMaster', 'disconnect', 'workers', 'settings']) {
    delete cluster[name];
  }
  Object.assign(cluster, { isWorker: true, isPrimary: false, isMaster: false, worker });
  cluster._getServer = (server, asked) => {
    server._listen2(asked.address, asked.port, asked.addressType, asked.backlog, asked.fd, asked.flags);
  };
  const { Socket } = require('dgram');
  const bind = Socket.prototype.bind;
  Socket.prototype.bind = function (...args) {
    const [first, second] = args;
    if (typeof first === 'object' && first !== null) {
      if (typeof first.recvStart === 'function') return bind.apply(this, args);
      return bind.call(this, { ...first, exclusive: true }, ...args.slice(1));
    }
    const options = { exclusive: true };
    if (first !== undefined && typeof first !== 'function') options.port = first;
    if (typeof second === 'string') options.address = second;
    const callback = args.find((value) => typeof value === 'function');
    return callback ? bind.call(this, options, callback) : bind.call(this, options);
  };
}

function endSlowly(net, servers) {
  const responses = new Set();
  const sessions = new Set();
  let ending = false;
  let leaving = false;

  require('diagnostics_channel').subscribe('http.server.request.start', ({ response }) => {
    if (ending) response.shouldKeepAlive = false;
    responses.add(response);
    response.once('close', () => responses.delete(response));
  });
  const emit = net.Server.prototype.emit;
  net.Server.prototype.emit = function (event, first, ...rest) {
    // HTTP/2.
    if (event === 'session') {
      sessions.add(first);
      first.once('close', () => sessions.delete(first));
      if (leaving) first.close();
    }
    return emit.call(this, event, first, ...rest);
  };

  const answerAndClose = () => {
    ending = true;
    for (const response of responses) {
      if (!response.headersSent) response.shouldKeepAlive = false;
    }
  };
  const leave = () => {
    answerAndClose();
    if (leaving) return;
    leaving = true;
    // Not the server's own `close`: from Node 19 on that of HTTP closes idle connections at once, under
    // the hands of clients that are about to use them.
    const close = () => servers.forEach((server) => net.Server.prototype.close.call(server, () => {}));
    // Behind a look at what has come: timers are before it.
    setTimeout(setImmediate, ACCEPT_MS, close);
    for (const session of sessions) session.close();
    const closing = process.hrtime.bigint() + BigInt(GRACE_MS) * 1_000_000n;
    const look = () => {
      const open = [...servers];
      const isHttp = (server) => typeof server.closeIdleConnections === 'function';
      const graceIsOver = process.hrtime.bigint() >= closing;
      if (graceIsOver) open.filter(isHttp).forEach((server) => server.closeIdleConnections());
      // What a server of HTTP still has then is neither idle nor a request: a WebSocket.
      const over = open.length === 0 || (graceIsOver && responses.size === 0 && open.every(isHttp));
      if (over && responses.size === 0) process.exit(0);
    };
    setInterval(look, LOOK_MS);
    setImmediate(look);
  };
  process.on('pmdaemon:leave', leave);

  const listeners = process.listeners;
  const stop = (signal) => {
    answerAndClose();
    if (listeners.call(process, signal).every((listener) => listener === stop)) leave();
  };
  for (const signal of signals) {
    try {
      process.on(signal, stop);
    } catch {
      // A signal that nobody can wait for.
    }
  }
  // Some libraries end the process themselves if theirs is the only listener.
  process.listeners = function (event) {
    return listeners.call(this, event).filter((listener) => listener !== stop);
  };
}
