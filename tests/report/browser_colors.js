// How different colours look to readers who confuse some, for browser_check.js.

/// Of linear RGB, for those who lack a kind of cone: Machado, Oliveira and Fernandes, "A Physiologically-based Model for
/// Simulation of Color Vision Deficiency", IEEE TVCG 15(6), 2009, severity 1.0.
const colorBlindness = {
  none: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

/// sRGB (IEC 61966-2-1).
const linearOf = (color) =>
  [1, 3, 5]
    .map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const luminanceOf = (color) => dot([0.2126, 0.7152, 0.0722], linearOf(color));

/// WCAG 2.1, 1 to 21.
function contrastOf(color, paper) {
  const [dark, bright] = [luminanceOf(color), luminanceOf(paper)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}

/// CIELAB under D65.
function labOf(linear) {
  const root = (t) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);
  const x = root(dot([0.4124564, 0.3575761, 0.1804375], linear) / 0.95047);
  const y = root(dot([0.2126729, 0.7151522, 0.072175], linear));
  const z = root(dot([0.0193339, 0.119192, 0.9503041], linear) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/// The smallest distance in CIELAB (1976) between two of the colours, as such a reader sees them.
function leastDifference(colors, kind) {
  const seen = colors.map(linearOf).map((linear) =>
    labOf(colorBlindness[kind].map((row) => Math.min(1, Math.max(0, dot(row, linear))))));
  const distances = seen.flatMap((a, i) => seen.slice(i + 1).map((b) => Math.hypot(...a.map((v, k) => v - b[k]))));
  return Math.min(...distances);
}
