use super::*;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        place.file("bin/node", 0o755, "#!/bin/sh\n");
        place.file("bin/tool", 0o755, "#!/bin/sh\n");
        place
    }

    fn file(&self, name: &str, mode: u32, text: &str) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Program and arguments, with the place written as `.`.
    fn find(&self, script: &str, args: &[&str], interpreter: Option<&str>) -> Result<String, String> {
        let here = self.0.path();
        let bin = here.join("bin").display().to_string();
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        self.found(&bin, &Asked { script, args: &args, interpreter, interpreter_args: &[] })
    }

    fn found(&self, bin: &str, asked: &Asked<'_>) -> Result<String, String> {
        let here = self.0.path();
        let found = Finder { cwd: here, path: bin }.find(asked);
        let short = |text: String| text.replace(&here.display().to_string(), ".");
        found
            .map(|x| short(format!("{} {}", x.program.display(), x.args.join(" ")).trim().to_owned()))
            .map_err(|e| short(e.detail))
    }
}

#[test]
fn a_script_is_run_by_the_file_itself_its_extension_its_shebang_or_path() {
    let place = Place::new();
    place.file("app.js", 0o644, "");
    place.file("executable.js", 0o755, "no shebang");
    place.file("own.js", 0o755, "#!/usr/bin/env node\n");
    place.file("job", 0o644, "#!/bin/bash -e\n");
    let check = |script: &str, runs: &str| {
        assert_eq!(place.find(script, &["-x"], None).as_deref(), Ok(runs), "{script}")
    };
    check("app.js", "./bin/node ./app.js -x");
    check("./app.js", "./bin/node ././app.js -x");
    check("executable.js", "./bin/node ./executable.js -x");
    check("own.js", "./own.js -x");
    check("job", "/bin/bash -e ./job -x");
    check("tool", "./bin/tool -x");
    check("node app.js --port 3000", "./bin/node app.js --port 3000 -x");
    check("tool 'a b'", "./bin/tool a b -x");
    check("tool > out", "/bin/sh -c tool > out sh -x");
    assert_eq!(place.find("app.js", &[], Some("tool")).as_deref(), Ok("./bin/tool ./app.js"));
    assert_eq!(place.find("own.js", &[], Some("none")).as_deref(), Ok("./own.js"));
}

#[test]
fn arguments_of_the_interpreter_stand_before_the_script() {
    let place = Place::new();
    place.file("app.js", 0o644, "");
    place.file("job", 0o644, "#!/bin/bash -e\n");
    let bin = place.0.path().join("bin").display().to_string();
    let (args, own) = (["-x".to_owned()], ["--trace-warnings".to_owned()]);
    let find = |script, interpreter| {
        place.found(&bin, &Asked { script, args: &args, interpreter, interpreter_args: &own })
    };
    assert_eq!(find("app.js", None).as_deref(), Ok("./bin/node --trace-warnings ./app.js -x"));
    assert_eq!(find("app.js", Some("tool -a")).as_deref(), Ok("./bin/tool -a --trace-warnings ./app.js -x"));
    assert_eq!(find("job", None).as_deref(), Ok("/bin/bash -e --trace-warnings ./job -x"));
    for script in ["tool", "tool b"] {
        assert!(find(script, None).unwrap_err().contains("no interpreter runs"), "{script}");
    }
    let sh = Asked { script: "tool > out", args: &args, interpreter: None, interpreter_args: &own };
    assert!(place.found(&bin, &sh).unwrap_err().contains("no interpreter runs"));
}

#[test]
fn typescript_is_run_by_bun_or_tsx_or_a_node_that_strips_types() {
    let place = Place::new();
    for name in ["app.ts", "app.tsx", "app.mts"] {
        place.file(name, 0o644, "");
    }
    let node = |version: &str| place.file("bin/node", 0o755, &format!("#!/bin/sh\necho {version}\n"));
    node("v20.20.2");
    let refused = place.find("app.ts", &[], None).unwrap_err();
    assert!(refused.contains("node 20.20 only") && refused.contains("install bun"), "{refused}");
    node("v22.7.0");
    let stripped = "./bin/node --experimental-strip-types ./app.ts -x";
    assert_eq!(place.find("app.ts", &["-x"], None).as_deref(), Ok(stripped));
    node("v24.1.0");
    assert_eq!(place.find("app.mts", &[], None).as_deref(), Ok("./bin/node ./app.mts"));
    assert!(place.find("app.tsx", &[], None).unwrap_err().contains("needs bun or tsx"));
    place.file("bin/bun", 0o755, "#!/bin/sh\n");
    assert_eq!(place.find("app.tsx", &[], None).as_deref(), Ok("./bin/bun ./app.tsx"));
}

#[test]
fn what_cannot_run_is_refused_with_the_path_and_the_remedy() {
    let place = Place::new();
    place.file("data.bin", 0o644, "??");
    place.file("app.py", 0o644, "");
    place.file("dir/x", 0o644, "");
    let check = |script: &str, interpreter, part: &str| {
        let refused = place.find(script, &[], interpreter).expect_err(script);
        assert!(refused.contains(part), "{script}: {refused}");
    };
    check("missing.js", None, "no file ./missing.js");
    check("./missing.js", None, "././missing.js does not exist");
    check("missing.js", Some("node"), "./missing.js does not exist");
    check("data.bin", None, "chmod +x");
    check("data.bin", Some("none"), "chmod +x");
    check("app.py", None, "needs python3 or python");
    check("./dir", None, "is a directory");
    check("app.py", Some("nope"), "interpreter \"nope\" was not found");
    check("", None, "empty");
    check("tool 'open", None, "never closed");
    place.file("bin/python3", 0o755, "#!/bin/sh\n");
    check("python", None, "did you mean python3?");
    check("python -m http.server", None, "did you mean python3?");
    check("nothing here", None, "no command \"nothing\"");
}
