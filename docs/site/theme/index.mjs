// SPDX-License-Identifier: MIT

// The default theme without its fonts: the reader's own are as good and need no request.
import theme from 'vitepress/theme-without-fonts'
import './style.css'

export default theme
