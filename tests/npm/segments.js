// For every text of a JSON array on stdin: its encoding, its number of segments, and the lengths, in
// code points, of the clusters (characters as a reader sees them) that the library keeps whole.
const { readFileSync } = require("fs");
const { SegmentedMessage } = require("sms-segments-calculator");

const SMART_ENCODING = false;

const counted = JSON.parse(readFileSync(0, "utf8")).map((text) => {
  const message = new SegmentedMessage(text, "auto", SMART_ENCODING);
  return {
    encoding: message.encodingName,
    segments: message.segmentsCount,
    clusters: message.graphemes.map((cluster) => [...cluster].length),
  };
});
process.stdout.write(JSON.stringify(counted));
