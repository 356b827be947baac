// Histograms as JavaScript reads them: groups of encoded texts on stdin, their figures on stdout.
//
// A group is {"whole": text, "parts": [text]}; its figures are those of the whole, of each part, and of all parts
// together. Percentiles are asked for at the middle of their rank's share, so that every library means the same rank
// however it rounds.
import { readFileSync } from "node:fs";
import hdr from "hdr-histogram-js";

const QUANTILES = [0.5, 0.99, 0.999];

function figures(histogram) {
  const samples = histogram.totalCount;
  if (samples === 0) return [0, ...QUANTILES.map(() => null), null];
  const rank = (quantile) => Math.max(Math.ceil(quantile * samples), 1);
  const value = (quantile) => histogram.getValueAtPercentile((100 * (rank(quantile) - 0.5)) / samples);
  return [samples, ...QUANTILES.map(value), histogram.maxValue];
}

const decoded = (text) => hdr.decodeFromCompressedBase64(text);

const groups = JSON.parse(readFileSync(0, "utf8"));
const answers = groups.map(({ whole, parts }) => {
  const together = hdr.build({ lowestDiscernibleValue: 1, highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: 3 });
  const each = parts.map(decoded);
  each.forEach((part) => together.add(part));
  return [figures(decoded(whole)), ...each.map(figures), figures(together)];
});
process.stdout.write(JSON.stringify(answers));
