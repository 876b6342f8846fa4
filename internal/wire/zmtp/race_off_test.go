// SPDX-License-Identifier: MIT

//go:build !race

package zmtp_test

// cutEvery is how far apart streams are cut: everywhere.
const cutEvery = 1
