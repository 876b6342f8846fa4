// SPDX-License-Identifier: MIT
//
// wasi.mjs PROGRAM ARGUMENT...
//
// Runs a program of WebAssembly with the system interface of Node, WASI preview 1.

import { readFile } from "node:fs/promises"
import { WASI } from "node:wasi"

const [program, ...args] = process.argv.slice(2)
const wasi = new WASI({ version: "preview1", args: [program, ...args], env: {} })
const module = await WebAssembly.compile(await readFile(program))
wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()))
