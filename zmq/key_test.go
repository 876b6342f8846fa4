// SPDX-License-Identifier: MIT

package zmq_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/zmq"
)

// A key pair that libzmq made.
const (
	somePublic = "ZiI{]<ZnszZPLA:kYhdly.i4eLt5#B5Ks}vEpA^f"
	someSecret = "3<$@QuqzY@O+JW^d!z!2piuVAdPMneH+g}!/R)&f"
)

func TestKeysOfAPair(t *testing.T) {
	secret, err := zmq.ParseSecretKey(someSecret)
	testkit.Check(t, err)
	public, err := secret.Public()
	testkit.Check(t, err)
	if public.String() != somePublic || secret.Z85() != someSecret {
		t.Errorf("the pair is %v and %s", public, secret.Z85())
	}
	public, secret, err = zmq.GenerateKeys()
	testkit.Check(t, err)
	if other, err := secret.Public(); err != nil || other != public {
		t.Errorf("the generated pair is %v and, from the secret key, %v: %v", public, other, err)
	}
	if again, _, err := zmq.GenerateKeys(); err != nil || again == public {
		t.Errorf("two key pairs are the same, %v: %v", again, err)
	}
}

func TestPublicKeysAreText(t *testing.T) {
	key, err := zmq.ParsePublicKey(somePublic)
	testkit.Check(t, err)
	text, err := json.Marshal(map[string]zmq.PublicKey{"key": key})
	testkit.Check(t, err)
	var back map[string]zmq.PublicKey
	testkit.Check(t, json.Unmarshal(text, &back))
	if back["key"] != key || fmt.Sprint(key) != somePublic {
		t.Errorf("%s became %v", text, back)
	}
}

func TestParseKeyRefuses(t *testing.T) {
	for _, text := range []string{"", somePublic[1:], somePublic + "00000", "Z" + strings.Repeat("~", 39), strings.Repeat("0", 40), strings.Repeat("#", 40)} {
		public, err := zmq.ParsePublicKey(text)
		if err == nil || public != (zmq.PublicKey{}) || !strings.Contains(err.Error(), "public key") {
			t.Errorf("public key %q: %v, %v", text, public, err)
		}
		secret, err := zmq.ParseSecretKey(text)
		if err == nil || secret != (zmq.SecretKey{}) || !strings.Contains(err.Error(), "secret key") {
			t.Errorf("secret key %q: %v", text, err)
		}
		if len(text) > 0 && strings.Contains(err.Error(), text[:5]) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}

// A secret key, alone or within something, is not shown by anything that shows values.
func TestSecretsAreNotShown(t *testing.T) {
	secret, err := zmq.ParseSecretKey(someSecret)
	testkit.Check(t, err)
	public, err := secret.Public()
	testkit.Check(t, err)
	const password = "open sesame"
	push := zmq.NewPush(&zmq.PushOptions{Options: zmq.Options{Name: "jobs", Security: zmq.CurveClient{Secret: secret, Server: public}}})
	defer push.Close()
	if s := push.String(); !strings.HasPrefix(s, "push socket ") || !strings.HasSuffix(s, ` "jobs"`) {
		t.Errorf("a socket is called %s", s)
	}
	for _, v := range []any{
		secret, &secret,
		[]zmq.SecretKey{secret},
		map[string]zmq.SecretKey{"k": secret},
		struct{ K *zmq.SecretKey }{&secret},
		zmq.CurveServer{Secret: secret},
		&zmq.CurveServer{Secret: secret},
		zmq.CurveClient{Secret: secret, Server: public},
		zmq.Certificate{Public: public, Secret: secret},
		zmq.PlainClient{Username: "Ali", Password: password},
		&zmq.PlainClient{Username: "Ali", Password: password},
		zmq.Credentials{Mechanism: "PLAIN", Username: "Ali", Password: password},
		zmq.Options{Security: zmq.CurveServer{Secret: secret}},
		zmq.PushOptions{Options: zmq.Options{Security: zmq.PlainClient{Username: "Ali", Password: password}}},
		zmq.Options{Security: &zmq.CurveServer{Secret: secret}},
		&zmq.PushOptions{Options: zmq.Options{Security: &zmq.CurveClient{Secret: secret, Server: public}}},
		zmq.Options{Security: &zmq.PlainClient{Username: "Ali", Password: password}},
		push, *push,
		struct{ S *zmq.Push }{push},
	} {
		var logged bytes.Buffer
		slog.New(slog.NewJSONHandler(&logged, nil)).Error("x", "v", v)
		slog.New(slog.NewTextHandler(&logged, nil)).Error("x", "v", v)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%X", "%T%v"} {
			fmt.Fprintf(&logged, verb+"\n", v)
		}
		marshalled, _ := json.Marshal(v) // some cannot be
		logged.Write(marshalled)
		for name, hidden := range map[string]string{
			"the key": someSecret, "the key in hexadecimal": fmt.Sprintf("%x", secret[:]), "the key in decimal": strings.Trim(fmt.Sprint(secret[:4]), "[]"),
			"the key in capitals": fmt.Sprintf("%X", secret[:]), "the password": password, "the password in hexadecimal": fmt.Sprintf("%x", password),
		} {
			if strings.Contains(logged.String(), hidden) {
				t.Errorf("%T shows %s: %s", v, name, logged.String())
			}
		}
	}
	if shown := fmt.Sprintf("%v %#v %s", secret, secret, secret); shown != "(secret key) (secret key) (secret key)" {
		t.Errorf("a secret key is shown as %q", shown)
	}
}
