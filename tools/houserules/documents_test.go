// SPDX-License-Identifier: MIT

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDocuments(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{text: "[a](other.md) [b](sub/) [c](#one-two) ![d](sub/p.svg \"title\")\n\n# One `two`\n"},
		{text: "[a](none.md)", want: "a.md:1: the link none.md: none.md does not exist"},
		{text: "\n![a](sub/none.svg)", want: "a.md:2: the link sub/none.svg: sub/none.svg does not exist"},
		{text: "[`code`](none.md)", want: "none.md does not exist"},
		{text: "`[a](none.md)` and\n```text\n[a](none.md)\n```\n"},
		{text: "~~~\n```\n[a](none.md)\n~~~\n", want: "a.md:2: the block of a fence that does not begin"},
		{text: "```bash\n[a](none.md)\n```\n", want: "a.md:2: the block of bash: no test knows this language"},
		{text: "- b\n  ```sh\n  c\n  ```\n", want: "a.md:3: the block of a fence that does not begin"},
		{text: "````sh\n```\n````\n", want: "a.md:2: the block of a fence"},
		{text: "<img src=\"sub/none.svg\">", want: "sub/none.svg does not exist"},
		{text: "<source media=\"x\" srcset=\"sub/none.svg\">", want: "sub/none.svg does not exist"},
		{text: "[a][b]\n\n[b]: none.md", want: "a.md:3: the link none.md"},
		{text: "[a](other.md#there)"},
		{text: "[a](other.md#nowhere)", want: "other.md has no such heading"},
		{text: "[a](#nowhere)", want: "a.md has no such heading"},
		{text: "[a](#in-a-block)\n```sh\n# In a block\n```", want: "a.md has no such heading"},
		{text: "[a](#same) [b](#same-1) [c](#a-link)\n# Same\n## Same\n### [A link](other.md)"},
		{text: "[a](#same-2)\n# Same\n## Same", want: "no such heading"},
		{text: "[a](#html)\n<a id=\"html\"></a>"},
		{text: "[a](sub/p.svg#x)", want: "sub/p.svg is no document"},
		{text: "[a](../out.md)", want: "leads out of the tree"},
		{text: "[a](/other.md)", want: "relative to the document"},
		{text: "[a](https://example.com/x#y) <https://example.com> https://example.com/ <mailto:a@example.com>"},
		{text: "[a](http://example.com)", want: "write https"},
		{text: "see http://example.com/x", want: "write https"},
		{text: "<http://example.com>", want: "write https"},
		{text: "see http://localhost:8080/ and `http://example.com`"},
		{text: "[a](https:/example.com)", want: "neither https nor a relative path"},
		{text: "[a](ftp://example.com)", want: "neither https nor a relative path"},
		{text: "[a]()", want: "a link to nothing"},
		{text: "```yaml\na: [1]\n---\nb: 2\n```\n```json\n{} {}\n```\n"},
		{text: "```yaml\na: 1\n---\nb: [\n```\n", want: "a.md:2: the block of yaml"},
		{text: "```json\n{\n```\n", want: "a.md:2: the block of json"},
		{text: "```text\n", want: "the document ends within it"},
	} {
		root := t.TempDir()
		for name, content := range map[string]string{
			"a.md": test.text, "other.md": "# There\n", "sub/p.svg": "<svg/>", ".git/x.md": "[a](b.md)", "sub/testdata/x.md": "[a](b.md)",
			".github/x.md": "[a](../other.md)",
		} {
			path := filepath.Join(root, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		breaches, files, err := checkDocuments(root)
		if got := strings.Join(breaches, "\n"); err != nil || files != 3 || test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%q: %d documents, %v\ngot %q, want %q", test.text, files, err, got, test.want)
		}
	}
}
