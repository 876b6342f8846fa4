// SPDX-License-Identifier: MIT

package zmq_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sprymq/spry/zmq"
)

// The test vector of RFC 32, and what its alphabet begins and ends with.
func TestZ85(t *testing.T) {
	for text, data := range map[string][]byte{
		"":           {},
		"HelloWorld": {0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b},
		"00000":      {0, 0, 0, 0},
		"%nSc0":      {0xff, 0xff, 0xff, 0xff},
		"0000#":      {0, 0, 0, 84},
	} {
		if got, err := zmq.EncodeZ85(data); err != nil || got != text {
			t.Errorf("EncodeZ85(%x) = %q, %v; want %q", data, got, err, text)
		}
		if got, err := zmq.DecodeZ85(text); err != nil || !bytes.Equal(got, data) {
			t.Errorf("DecodeZ85(%q) = %x, %v; want %x", text, got, err, data)
		}
	}
}

func TestZ85Refuses(t *testing.T) {
	if _, err := zmq.EncodeZ85(make([]byte, 7)); err == nil || !strings.Contains(err.Error(), "7 bytes") {
		t.Errorf("7 bytes: %v", err)
	}
	for text, says := range map[string]string{
		"Hello\x00orld": "character 6", "HelloWorl": "9 characters", "Hello World": "11 characters",
		"Hello,orld": "character 6", "Helloé123": "character 6", "%nSc1": "1 to 5", "00000#####": "6 to 10",
	} {
		switch _, err := zmq.DecodeZ85(text); {
		case err == nil || !strings.Contains(err.Error(), says):
			t.Errorf("%q: %v, which does not say %q", text, err, says)
		case strings.Contains(err.Error(), text):
			t.Errorf("the error shows what may be secret: %v", err)
		}
	}
}

// FuzzZ85 checks that there is one text for each data.
func FuzzZ85(f *testing.F) {
	for _, seed := range []string{"", "HelloWorld", "%nSc0", "%nSc1", "#####", "abcd", "\xff0000"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if data, err := zmq.DecodeZ85(string(in)); err == nil {
			if again, err := zmq.EncodeZ85(data); err != nil || again != string(in) {
				t.Errorf("%q became %q, error %v", in, again, err)
			}
		}
		text, err := zmq.EncodeZ85(in)
		if (err == nil) != (len(in)%4 == 0) {
			t.Fatalf("%d bytes: %v", len(in), err)
		}
		if err != nil {
			return
		}
		if again, err := zmq.DecodeZ85(text); err != nil || !bytes.Equal(again, in) {
			t.Errorf("%x became %x, error %v", in, again, err)
		}
	})
}
