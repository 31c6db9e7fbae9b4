// Neo4j's own analyser on standard input and output: a JSON list of queries in, for each a list of
// [start, end, message] of its errors out. Offsets count from 0; the end is the last character.
const { lintCypherQuery } = require(process.argv[2]);

const errors = (query) => {
  const parameters = {};
  for (const match of query.matchAll(/\$(?:`([^`]+)`|(\w+))/g)) parameters[match[1] || match[2]] = 1;
  return lintCypherQuery(query, { parameters, defaultLanguage: "CYPHER 5" })
    .diagnostics.filter((d) => d.severity === 1)
    .map((d) => [d.offsets.start, d.offsets.end, d.message]);
};

let text = "";
process.stdin.on("data", (piece) => (text += piece));
process.stdin.on("end", () => process.stdout.write(JSON.stringify(JSON.parse(text).map(errors))));
