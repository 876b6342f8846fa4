// SPDX-License-Identifier: MIT
//
// Builds the page into dist: index.html, and assets whose names have the hash of what is in them, so that browsers may keep them for ever. All URLs
// are relative: the page is served below any prefix.

import { readFile, rm, writeFile } from "node:fs/promises"
import path from "node:path"
import { build } from "esbuild"

const common = {
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none", // licences.txt has them whole
  entryNames: "[name]-[hash]",
  outdir: "dist/assets",
  metafile: true,
  logLevel: "warning",
}

/** Bundles an entry. Returns the name of the file, that of its style sheet, and the packages in it. */
async function bundle(entry, define = {}) {
  const { metafile } = await build({ ...common, entryPoints: [entry], define })
  const names = Object.keys(metafile.outputs).map((name) => path.basename(name))
  const packages = Object.keys(metafile.inputs).flatMap((name) => name.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1] ?? [])
  return { script: names.find((name) => name.endsWith(".js")), style: names.find((name) => name.endsWith(".css")), packages }
}

await rm("dist", { recursive: true, force: true })
const worker = await bundle("src/layout.worker.ts")
const main = await bundle("src/main.tsx", { WORKER: JSON.stringify(`./${worker.script}`) }) // relative to the script
const html = await readFile("src/index.html", "utf8")
await writeFile("dist/index.html", html.replace("SCRIPT", `assets/${main.script}`).replace("STYLE", `assets/${main.style}`))

const licences = ["The page of Spry's dashboard is Spry's, under the MIT licence. It contains these packages:\n"]
for (const folder of [...new Set([...worker.packages, ...main.packages])].sort()) {
  const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"))
  licences.push(`${name} ${version}, ${license}\n\n${(await readFile(`${folder}/LICENSE`, "utf8")).trim()}\n`)
}
await writeFile("dist/licences.txt", licences.join(`\n${"-".repeat(80)}\n\n`))
