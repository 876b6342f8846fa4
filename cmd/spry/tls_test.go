// SPDX-License-Identifier: MIT

package main_test

import (
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testcert"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key, both := testcert.Files(t)
	_, _, stranger := testcert.Files(t)
	listen := "tls+tcp://127.0.0.1:0"

	mutual := start(t, nil, "rep", "--listen", listen, "--cert", cert, "--key", key, "--cacert", cert, "--echo", "--format", "none")
	url := mutual.url()
	start(t, nil, "req", "--dial", url, "--cacert", cert, "--cert", both, "-D", "x").expect(0, "x\n")
	start(t, nil, "req", "--dial", url, "--cacert", cert, "-D", "no certificate", "--connect-timeout", "1s").expect(3, "")
	start(t, nil, "req", "--dial", url, "--cacert", cert, "--cert", stranger, "-D", "wrong one", "--connect-timeout", "1s").expect(3, "")

	open := start(t, nil, "rep", "--listen", listen, "--cert", both, "--echo", "--format", "none")
	url = open.url()
	start(t, nil, "req", "--dial", url, "--insecure", "-D", "x").expect(0, "x\n")
	start(t, nil, "req", "--dial", url, "--cacert", cert, "--server-name", "127.0.0.1", "-D", "x").expect(0, "x\n")
	unknown := start(t, nil, "req", "--dial", url, "-D", "x", "--connect-timeout", "1s")
	unknown.expect(3, "")
	if !strings.Contains(unknown.stderr(), "certificate") {
		t.Errorf("the error does not say why: %q", unknown.stderr())
	}

	inspect := start(t, nil, "inspect", url, "--cacert", cert)
	if code := inspect.wait(); code != 0 || !strings.Contains(inspect.stdout(), "TLS 1.3") || !strings.Contains(inspect.stdout(), "verified    true") {
		t.Errorf("exit %d\n%s%s", code, inspect.stdout(), inspect.stderr())
	}
	refused := start(t, nil, "inspect", url)
	if code := refused.wait(); code != 3 || !strings.Contains(refused.stdout(), "127.0.0.1") {
		t.Errorf("exit %d\n%s%s", code, refused.stdout(), refused.stderr())
	}

	plain := start(t, nil, "rep", "--listen", listen, "--echo")
	if code := plain.wait(); code == 0 {
		t.Error("a listener without a certificate")
	}
}
