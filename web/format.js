// Numbers as people read them: the same as src/dashboard/text.rs, held to tests/format_cases.json.

export const NOTHING = "-";

/** A share of one core: `3.4%`. */
export const cpu = (percent) => (Math.round(percent * 10) / 10).toFixed(1) + "%";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A size in binary units: `812 B`, `18.4 MiB`, `512 MiB`. */
export function bytes(count) {
  let value = Math.max(0, count);
  let unit = 0;
  while (value >= 1023.5 && unit + 1 < UNITS.length) {
    value /= 1024;
    unit += 1;
  }
  const tenths = Math.round(value * 10) / 10;
  return (unit === 0 || tenths >= 100 ? Math.round(value) : tenths.toFixed(1)) + " " + UNITS[unit];
}

/** A time span by its two largest units: `42s`, `3m 7s`, `5h 3m`, `12d 4h`. */
export function duration(milliseconds) {
  const seconds = Math.floor(Math.max(0, milliseconds) / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(seconds / 3600);
  const days = Math.floor(seconds / 86400);
  if (!minutes) return `${seconds}s`;
  if (!hours) return `${minutes}m ${seconds % 60}s`;
  if (!days) return `${hours}h ${minutes % 60}m`;
  return `${days}d ${hours % 24}h`;
}

/** Load averages: `0.42 0.40 0.35`. */
export const load = (averages) => averages.map((one) => (Math.round(one * 100) / 100).toFixed(2)).join(" ");

/** A part of a whole in percent, 0 to 100. */
export const share = (part, whole) => (whole > 0 ? Math.min(100, Math.max(0, (part / whole) * 100)) : 0);
