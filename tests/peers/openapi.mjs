// Prints, as JSON, for each file whose path is an argument whether it is an OpenAPI 3.2 document, its schemas included, by the
// JSON Schema of the OpenAPI Initiative: {"path": null} where it is, else the places that are wrong.
import { readFileSync } from "node:fs";
import { validate } from "@hyperjump/json-schema/openapi-3-2";

const check = await validate("https://spec.openapis.org/oas/3.2/schema-base");
const told = {};
for (const path of process.argv.slice(2)) {
  const found = check(JSON.parse(readFileSync(path, "utf8")), "BASIC");
  told[path] = found.valid ? null : found.errors.map((error) => `${error.instanceLocation} ${error.absoluteKeywordLocation}`);
}
console.log(JSON.stringify(told));
