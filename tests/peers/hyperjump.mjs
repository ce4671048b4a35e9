// Prints, as JSON, what @hyperjump/json-schema makes of the vectors of every system: {"taken": […], "refused": […]}, as paths
// below the folder of the schemas, which is the argument. It knows how vectors are named, and nothing of the suite.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { registerSchema, setShouldValidateFormat, validate } from "@hyperjump/json-schema/draft-2020-12";
import "@hyperjump/json-schema/formats-lite";

const [root] = process.argv.slice(2);
const read = (path) => JSON.parse(readFileSync(`${root}/${path}`, "utf8"));
const list = (path) => (existsSync(`${root}/${path}`) ? readdirSync(`${root}/${path}`) : []);
const told = { taken: [], refused: [] };
setShouldValidateFormat(true);

for (const system of readdirSync(root)) {
  for (const [folder, below] of [["events", ""], ["adopted", "adopted/"], ["requests", "requests/"], ["responses", "responses/"]]) {
    const schemas = [];
    for (const name of list(`${system}/${folder}`)) {
      const schema = read(`${system}/${folder}/${name}`);
      registerSchema(schema);
      schemas.push([name.replace(/schema\.json$/, ""), await validate(schema.$id)]);
    }
    schemas.sort(([one], [other]) => other.length - one.length); // the longest name owns a vector
    for (const kind of ["valid", "invalid"]) {
      for (const name of list(`${system}/vectors/${below}${kind}`)) {
        const path = `${system}/vectors/${below}${kind}/${name}`;
        const [, check] = schemas.find(([beginning]) => name.startsWith(beginning));
        told[check(read(path)).valid ? "taken" : "refused"].push(path);
      }
    }
  }
}
console.log(JSON.stringify(told));
