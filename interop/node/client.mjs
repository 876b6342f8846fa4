// SPDX-License-Identifier: MIT
//
// client.mjs MODULES SCRIPT ROLE COUNT URL...
//
// Plays a role with Spry's client for browsers, in Node with npm's ws. ../webclient has the other end, and runs the same roles in a page.

/** body is the message with a number. */
export function body(i) {
  return `${i}:` + "x".repeat((i * 37) % 2000)
}

function same(got, want) {
  if (got !== want) throw new Error(`received ${got.slice(0, 40)} (${got.length}) instead of ${want.slice(0, 40)} (${want.length})`)
}

/** block keeps the one thread busy. */
function block(ms) {
  for (const until = Date.now() + ms; Date.now() < until; );
}

const numbers = (n) => Array.from({ length: n }, (_, i) => i)

/** The roles: each takes the client, addresses, options, a count and a function that prints. */
export const roles = {
  async req({ Req }, urls, options, n, print) {
    const socket = new Req(urls, options)
    for (const i of numbers(n / 10)) {
      // ten at once
      const asked = numbers(10).map((k) => 10 * i + k)
      const replies = await Promise.all(asked.map((k) => socket.request(body(k))))
      replies.forEach((reply, k) => same(reply.text(), body(asked[k])))
    }
    print(`${n} replies`)
    await socket.close({ linger: 60_000 })
  },
  async rep({ Rep }, urls, options, n, print) {
    const socket = new Rep(urls, options)
    for (let left = n; left > 0; left--) {
      const call = await socket.recv()
      await call.reply(call.bytes)
    }
    print(`${n} calls`)
    await socket.close({ linger: 60_000 })
  },
  async push({ Push }, urls, options, n, print) {
    const socket = new Push(urls, options)
    for (const i of numbers(n)) await socket.send(body(i))
    await socket.close({ linger: 60_000 })
    print(`${n} sent`)
  },
  async pull({ Pull }, urls, options, n, print) {
    const socket = new Pull(urls, options)
    for (const i of numbers(n)) same((await socket.recv()).text(), body(i))
    print(`${n} received`)
    await socket.close({ linger: 60_000 })
  },
  async pub({ Pub }, urls, options, n, print) {
    const socket = new Pub(urls, { ...options, bufferedBytes: 16 << 20 })
    await socket.ready()
    for (const i of numbers(n)) socket.send(body(i))
    await socket.close({ linger: 60_000 })
    print(`${n} sent`)
  },
  async sub({ Sub }, urls, options, n, print) {
    const socket = new Sub(urls, { ...options, topics: ["1"] })
    for (const i of numbers(n).filter((i) => `${i}`.startsWith("1"))) same((await socket.recv()).text(), body(i))
    print(`${n} received`)
    await socket.close({ linger: 60_000 })
  },
  async pair({ Pair }, urls, options, n, print) {
    const socket = new Pair(urls[0], options)
    for (let left = n; left > 0; left--) await socket.send((await socket.recv()).bytes)
    print(`${n} echoed`)
    await socket.close({ linger: 60_000 })
  },
  pair0: (spry, urls, options, n, print) => roles.pair(spry, urls, { ...options, version: 0 }, n, print),
  async bus({ Bus }, urls, options, n, print) {
    const socket = new Bus(urls, options)
    for (let left = n; left > 0; left--) socket.send((await socket.recv()).bytes)
    print(`${n} echoed`)
    await socket.close({ linger: 60_000 })
  },
  async surveyor({ Surveyor }, urls, options, n, print) {
    const socket = new Surveyor(urls, options)
    while (socket.stats().open < urls.length) await new Promise((resolve) => setTimeout(resolve, 5))
    for (const i of numbers(n)) {
      let answers = 0
      for await (const answer of socket.survey(body(i), { timeout: 60_000 })) {
        same(answer.text(), body(i))
        if (++answers === urls.length) break
      }
    }
    print(`${n} surveys`)
    await socket.close({ linger: 60_000 })
  },
  async respondent({ Respondent }, urls, options, n, print) {
    const socket = new Respondent(urls, options)
    for (let left = n; left > 0; left--) {
      const call = await socket.recv()
      await call.reply(call.bytes)
    }
    print(`${n} calls`)
    await socket.close({ linger: 60_000 })
  },

  // A page in the background receives, asks and answers. Timers are late there, and these times are short.
  async background({ Sub, Req }, urls, options, n, print) {
    const impatient = { ...options, idleTimeout: 2500, stallTimeout: 500 }
    const feed = new Sub(urls[0], { ...impatient, topics: [""] })
    const req = new Req(urls[1], impatient)
    let gaps = 0
    feed.addEventListener("gap", () => gaps++)
    await Promise.all([feed.ready(), req.ready()])
    print("ready")
    let hidden = 0
    for (const i of numbers(n)) {
      same((await feed.recv()).text(), body(i))
      if (document.hidden) hidden++
      same((await req.request(body(i))).text(), body(i))
    }
    print(`${n} received, ${hidden} of them hidden`)
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }))
    await req.request("again")
    print(`${gaps} gaps, connections: ${feed.stats().connections} ${req.stats().connections}`)
    await Promise.all([feed.close(), req.close()])
  },

  // A page whose one thread is busy for seconds, while messages come and others are to be sent.
  async "slow sub"({ Sub, Push }, urls, options, n, print) {
    const feed = new Sub(urls[0], { ...options, topics: [""], recvQueueBytes: 1 << 16 })
    const push = new Push(urls[1], { ...options, stallTimeout: 500, bufferedBytes: 1 << 20 })
    let missed = 0
    feed.addEventListener("gap", (e) => (missed += e.reason === "overflow" ? e.missed : Number.NaN))
    await Promise.all([feed.ready(), push.ready()])
    for (const i of numbers(100)) await push.send(body(i))
    print("ready")
    block(2000)
    while (missed === 0) await new Promise((resolve) => setTimeout(resolve, 10)) // events come, and the program does not read
    let last = -1
    let received = 0
    while (last < n - 1) {
      const i = Number.parseInt((await feed.recv()).text(), 10)
      if (i <= last) throw new Error(`${i} came after ${last}`)
      last = i
      received++
    }
    await new Promise((resolve) => setTimeout(resolve, 0)) // for the last event
    const { received: all, dropped, connections } = feed.stats()
    const adds = all === n && received + missed === n && dropped.overflow === missed
    print(`missed some: ${missed > 0}, adds up: ${adds}, connections: ${connections} ${push.stats().connections}`)
    await Promise.all([feed.close(), push.close({ linger: 60_000 })])
  },
  async "slow pull"({ Pull }, urls, options, n, print) {
    const pull = new Pull(urls, { ...options, recvQueueBytes: 1 << 16 })
    await pull.ready()
    print("ready")
    block(2000)
    while (pull.stats().open > 0) await new Promise((resolve) => setTimeout(resolve, 10)) // messages come, and the program does not read
    const held = pull.queued
    for (const _ of numbers(held + 1)) await pull.recv() // and one of the next connection
    const { received, dropped, connections } = pull.stats()
    print(`connections: ${connections}, adds up: ${received === held + 1 + pull.queued && Object.keys(dropped).length === 0}`)
    await pull.close()
  },

  // Events that are read by HTTP, over cut connections and from a gateway that begins anew.
  async events({ Sub }, urls, options, n, print) {
    const socket = new Sub(urls, { ...options, fallback: true, topics: [""] })
    let gaps = 0
    await socket.ready()
    print("open")
    socket.addEventListener("gap", (e) => {
      if (++gaps === 1) print(`gap: ${e.reason} ${e.missed}`)
    })
    for (const i of numbers(n)) {
      same((await socket.recv()).text(), body(i))
      if (i % 50 === 49) print(`${i}`)
    }
    print(`${gaps} gaps`)
    same((await socket.recv()).text(), "last")
    print(`${gaps} gaps`)
    await socket.close()
  },
  // Messages that go by HTTP until the way for a WebSocket is open.
  async "moving push"({ Push }, urls, options, _, print) {
    const socket = new Push(urls, { ...options, fallback: true })
    let carrier = ""
    socket.addEventListener("state", (e) => {
      if (e.state === "open") carrier = e.carrier
    })
    await socket.ready()
    print(carrier)
    let sent = 0
    for (; carrier === "http"; sent++) {
      await socket.send(body(sent))
      if (sent % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 500))
    }
    await socket.send("last")
    print(`${carrier} after ${sent}`)
    await socket.close()
  },

  // One message, with tools that print what they receive.
  async "one req"({ Req }, urls, options, _, print) {
    print(`reply ${(await new Req(urls, options).request("question")).text()}`)
  },
  async "one push"({ Push }, urls, options, _, print) {
    const socket = new Push(urls, options)
    await socket.send("message")
    await socket.close({ linger: 60_000 })
    print("sent")
  },
  async "one pull"({ Pull }, urls, options, _, print) {
    print(`received ${(await new Pull(urls, options).recv()).text()}`)
  },
  async "one sub"({ Sub }, urls, options, _, print) {
    print(`received ${(await new Sub(urls, { ...options, topics: ["mes"] }).recv()).text()}`)
  },
  async "one surveyor"({ Surveyor }, urls, options, _, print) {
    const socket = new Surveyor(urls, options)
    await socket.ready()
    for await (const answer of socket.survey("question", { timeout: 60_000 })) {
      print(`answer ${answer.text()}`)
      break
    }
  },
  async "one respondent"({ Respondent }, urls, options, _, print) {
    // Until it is ended: an answer may come after the time of its survey.
    for await (const call of new Respondent(urls, options)) {
      await call.reply(call.bytes)
      print("answered")
    }
  },
}

// Roles that HTTP can carry.
for (const name of ["req", "push", "pull", "pub", "sub", "surveyor"]) {
  roles[`http ${name}`] = (spry, urls, options, n, print) => roles[name](spry, urls, { ...options, fallback: true }, n, print)
}

if (globalThis.process?.argv[1]?.endsWith("client.mjs")) {
  const { createRequire } = await import("node:module")
  const { pathToFileURL } = await import("node:url")
  const [modules, script, role, count, ...urls] = process.argv.slice(2)
  const { WebSocket } = createRequire(modules + "/")("ws")
  const spry = await import(pathToFileURL(script))
  process.stdin.on("end", () => process.exit(0)).resume()
  try {
    await roles[role](spry, urls, { WebSocket, backoff: { min: 10, max: 200 } }, Number(count), console.log)
  } catch (error) {
    console.log(`failed: ${error.message}`)
  }
}
