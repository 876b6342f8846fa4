// SPDX-License-Identifier: MIT

package zmq

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
)

// A Certificate is a key pair, or its public half, with metadata about its owner. Its files have CZMQ's format: NAME has the
// public half and may be published, NAME_secret has both halves and belongs to the owner only.
type Certificate struct {
	Public   PublicKey
	Secret   SecretKey         // zero where only the public half is known
	Metadata map[string]string // such as "name" and "email": claims of the file's author, not verified
}

const (
	secretSuffix   = "_secret"
	maxCertificate = 64 << 10 // bytes of a file

	sectionMetadata = "metadata"
	sectionCurve    = "curve"
	namePublic      = "public-key"
	nameSecret      = "secret-key"
)

var errNoSecret = errors.New("there is no secret key: use SavePublic or Text")

// LoadCertificate reads both halves of a certificate from path_secret. If that file does not exist, or the user may not read
// it, LoadCertificate reads the public half from path. A file has at most 64 KiB; keys that are not a pair are an error.
func LoadCertificate(path string) (Certificate, error) {
	c, err := readCertificate(path + secretSuffix)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return readCertificate(path)
	}
	return c, err
}

// readCertificate reads one file.
func readCertificate(path string) (Certificate, error) {
	f, err := os.Open(path)
	if err != nil {
		return Certificate{}, fmt.Errorf("certificate: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCertificate+1))
	if err == nil && len(text) > maxCertificate {
		err = fmt.Errorf("more than %d bytes", maxCertificate)
	}
	var c Certificate
	if err == nil {
		c, err = parseCertificate(string(text))
	}
	if err != nil {
		return Certificate{}, fmt.Errorf("certificate %s: %w: make it with spry keygen curve or CZMQ's zcert", path, err)
	}
	return c, nil
}

// parseCertificate reads the text of a file.
func parseCertificate(text string) (c Certificate, err error) {
	items, err := parseZPL(text)
	if err != nil {
		return Certificate{}, err
	}
	keys := make(map[string]string)
	for _, i := range items {
		var into map[string]string
		switch i.section {
		case sectionCurve:
			into = keys
		case sectionMetadata:
			if c.Metadata == nil {
				c.Metadata = make(map[string]string)
			}
			into = c.Metadata
		default:
			continue // of a later version
		}
		if _, twice := into[i.name]; twice {
			return Certificate{}, fmt.Errorf("%s/%s is there twice", i.section, i.name)
		}
		into[i.name] = i.value
	}
	if c.Public, err = ParsePublicKey(keys[namePublic]); err != nil {
		return Certificate{}, err
	}
	if text, ok := keys[nameSecret]; ok {
		if c.Secret, err = ParseSecretKey(text); err != nil && !errors.Is(err, errZeroKey) { // CZMQ writes zeros for none
			return Certificate{}, err
		}
	}
	return c, c.check()
}

// check verifies that the keys are a pair.
func (c Certificate) check() error {
	if c.Public == (PublicKey{}) {
		return fmt.Errorf("%s: %w", namePublic, errZeroKey)
	}
	if c.Secret == (SecretKey{}) {
		return nil
	}
	public, err := c.Secret.Public()
	if err == nil && public != c.Public {
		err = errors.New("the two keys are not of one pair")
	}
	return err
}

// Save writes path_secret, with mode 0600, and path. It replaces no existing file, because a lost secret key cannot be
// restored: if one of them is there, it fails with an error that wraps [fs.ErrExist].
func (c Certificate) Save(path string) error {
	if c.Secret == (SecretKey{}) {
		return fmt.Errorf("certificate %s: %w", path, errNoSecret)
	}
	if err := c.write(path+secretSuffix, true); err != nil {
		return err
	}
	if err := c.write(path, false); err != nil {
		return errors.Join(err, os.Remove(path+secretSuffix))
	}
	return nil
}

// SavePublic writes path, with the public half only. Like Save, it replaces no existing file.
func (c Certificate) SavePublic(path string) error { return c.write(path, false) }

// Text returns what Save writes to path: the public half. It fails if the keys are not a pair, or if metadata has a name or a
// value that the format cannot hold.
func (c Certificate) Text() (string, error) {
	text, err := c.text(false)
	return string(text), err
}

// SecretText returns what Save writes to path_secret, with the secret key in it. It fails as Text does, and without a secret
// key.
func (c Certificate) SecretText() (string, error) {
	if c.Secret == (SecretKey{}) {
		return "", fmt.Errorf("certificate: %w", errNoSecret)
	}
	text, err := c.text(true)
	return string(text), err
}

func (c Certificate) text(secret bool) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	text := []byte("# ZeroMQ CURVE public certificate: make sure that it is the owner's before you trust it\n\n")
	if secret {
		text = []byte("# ZeroMQ CURVE secret certificate: keep it to yourself\n\n")
	}
	var err error
	text = append(text, sectionMetadata+"\n"...)
	for _, name := range slices.Sorted(maps.Keys(c.Metadata)) {
		if text, err = appendZPL(text, name, c.Metadata[name]); err != nil {
			return nil, err
		}
	}
	text = append(text, sectionCurve+"\n"...)
	if text, err = appendZPL(text, namePublic, c.Public.String()); err == nil && secret {
		text, err = appendZPL(text, nameSecret, c.Secret.Z85())
	}
	if err == nil && len(text) > maxCertificate {
		err = fmt.Errorf("%d bytes, and at most %d are possible: shorten the metadata", len(text), maxCertificate)
	}
	return text, err
}

// write makes a new file.
func (c Certificate) write(path string, secret bool) error {
	text, err := c.text(secret)
	if err != nil {
		return fmt.Errorf("certificate %s: %w", path, err)
	}
	mode := fs.FileMode(0o644)
	if secret {
		mode = 0o600
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("certificate %s: %w", path, errors.Join(err, os.Remove(path)))
	}
	return nil
}
