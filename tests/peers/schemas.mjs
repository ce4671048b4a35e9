// Prints, as JSON, what ajv makes of the vectors of every system: {"taken": […], "refused": […]}, as paths below the folder
// of the schemas, which is the argument. It knows how vectors are named, and nothing of the suite.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const [root] = process.argv.slice(2);
const read = (path) => JSON.parse(readFileSync(`${root}/${path}`, "utf8"));
const list = (path) => (existsSync(`${root}/${path}`) ? readdirSync(`${root}/${path}`) : []);
const told = { taken: [], refused: [] };

for (const system of readdirSync(root)) {
  for (const [folder, below] of [["events", ""], ["adopted", "adopted/"], ["requests", "requests/"], ["responses", "responses/"]]) {
    const ajv = new Ajv();
    addFormats(ajv);
    const schemas = list(`${system}/${folder}`).map((name) => [
      name.replace(/schema\.json$/, ""),
      ajv.compile(read(`${system}/${folder}/${name}`)),
    ]);
    schemas.sort(([one], [other]) => other.length - one.length); // the longest name owns a vector
    for (const kind of ["valid", "invalid"]) {
      for (const name of list(`${system}/vectors/${below}${kind}`)) {
        const path = `${system}/vectors/${below}${kind}/${name}`;
        const [, check] = schemas.find(([beginning]) => name.startsWith(beginning));
        told[check(read(path)) ? "taken" : "refused"].push(path);
      }
    }
  }
}
console.log(JSON.stringify(told));
