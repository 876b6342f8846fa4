// SPDX-License-Identifier: MIT

// Package errno has the error numbers of network calls as the operating system returns them. On Windows, those of package syscall
// have the same names and other values.
package errno
