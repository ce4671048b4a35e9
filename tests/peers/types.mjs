// Prints, as JSON, the names of the types that json-schema-to-typescript makes of each schema whose path is an argument.
import { readFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

const told = {};
for (const path of process.argv.slice(2)) {
  const schema = JSON.parse(readFileSync(path, "utf8"));
  const text = await compile(schema, schema.title, { bannerComment: "", format: false, unreachableDefinitions: true });
  told[path] = [...text.matchAll(/^export (?:type|interface) (\w+)/gm)].map(([, name]) => name);
}
console.log(JSON.stringify(told));
