// SPDX-License-Identifier: MIT

package cookbook_test

// check ends a program that does not work.
func check(err error) {
	if err != nil {
		panic(err)
	}
}
