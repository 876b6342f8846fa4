// SPDX-License-Identifier: MIT

// The site that tools/site builds: it puts this file, the pages and pages.json, which lists them, in one folder.
import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitepress'

const pages = JSON.parse(readFileSync(new URL('./pages.json', import.meta.url), 'utf8'))

// Anchors are those of forges, where the same documents are read.
const slugify = (text) =>
  text.trim().toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, '').replace(/ /g, '-')

const policy = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"

export default defineConfig({
  title: 'Spry',
  description: 'Brokerless messaging for Go, compatible with nanomsg, NNG, mangos and ZeroMQ',
  lang: 'en',
  head: [['meta', { 'http-equiv': 'Content-Security-Policy', content: policy }]],
  // Pictures are light or dark as the system is, so the pages are, too.
  appearance: 'force-auto',
  ignoreDeadLinks: true, // tools/site checks links and anchors in the result
  markdown: {
    html: false,
    languageAlias: { haproxy: 'nginx', caddyfile: 'nginx' },
    anchor: { slugify },
    toc: { slugify },
    config(md) {
      // Braces are text: no document is a template.
      for (const rule of ['code_block', 'code_inline']) {
        const render = md.renderer.rules[rule]
        md.renderer.rules[rule] = (tokens, i, options, env, self) => {
          tokens[i].attrSet('v-pre', '')
          return render(tokens, i, options, env, self)
        }
      }
      const text = md.renderer.rules.text
      md.renderer.rules.text = (...args) => text(...args).replaceAll('{{', '&#123;&#8203;&#123;')
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    nav: pages.nav,
    sidebar: pages.sidebar,
    outline: [2, 3],
    externalLinkIcon: true,
    docFooter: { prev: 'Before', next: 'Next' },
  },
})
