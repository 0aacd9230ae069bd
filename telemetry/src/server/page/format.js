// Figures as people read them: the same as in the report.

const threeDigits = (value) => value.toFixed(Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2);

const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ",");

function seconds(value) {
  if (value === null || !Number.isFinite(value)) return "";
  if (value < 0) return "-" + seconds(-value);
  if (value >= 3599.5) {
    const minutes = Math.round(value / 60);
    return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  }
  if (value >= 59.95) {
    const whole = Math.round(value);
    return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  }
  for (const [unit, scale] of [["ns", 1e-9], ["µs", 1e-6], ["ms", 1e-3]]) {
    if (value < scale * 999.5) return unit === "ns" ? `${(value / scale).toFixed(0)} ns` : `${threeDigits(value / scale)} ${unit}`;
  }
  return `${threeDigits(value)} s`;
}

function bytes(value) {
  if (value === null || !Number.isFinite(value)) return "";
  if (value < 0) return "-" + bytes(-value);
  if (value < 1024) return `${value.toFixed(0)} B`;
  let [size, unit] = [value / 1024, "KiB"];
  for (const larger of ["MiB", "GiB", "TiB", "PiB"]) if (size >= 999.5) [size, unit] = [size / 1024, larger];
  return `${threeDigits(size)} ${unit}`;
}

function number(value) {
  if (value === null || !Number.isFinite(value)) return "";
  const size = Math.abs(value);
  if (value % 1 === 0 || size >= 999.5) {
    if (size >= 1e15) return value.toExponential(2);
    return (value < 0 ? "-" : "") + grouped(String(Math.round(size)));
  }
  return size < 0.001 ? value.toExponential(2) : threeDigits(value);
}

function share(value) {
  if (value === null || !Number.isFinite(value)) return "";
  const percent = value * 100;
  if (percent >= 9.95) return `${percent.toFixed(0)} %`;
  return percent > 0 ? `${Math.max(percent, 0.1).toFixed(1)} %` : "0 %";
}

const perSecond = (value) => (value === null ? "" : value === 0 ? "0 /s" : `${number(value)} /s`);

const moment = (value) => (value > 0 ? new Date(value * 1000).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC") : number(value));

/// A value in the unit of its family.
function inUnit(unit, value) {
  if (unit === "seconds") return seconds(value);
  if (unit === "bytes") return bytes(value);
  if (unit === "timestamp") return moment(value);
  return number(value);
}

/// A figure that is estimated, with its standard error.
const estimated = (text, error) => (text && error > 0 ? `${text} ±${share(error)}` : text);

const nothingIfZero = (format) => (value, row) => (value ? format(value, row) : "");
