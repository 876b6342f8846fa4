// SPDX-License-Identifier: MIT

package dash

import "embed"

// pageFiles is the page, as page/build.mjs makes it of its sources.
//
//go:embed page/dist
var pageFiles embed.FS
