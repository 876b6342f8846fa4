// SPDX-License-Identifier: MIT

package nngcat

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// forever is the value of a time that was not given.
const forever = time.Duration(-1)

// An address is where to listen or to dial, in the order of the command line.
type address struct {
	listen bool
	url    string
}

// A config is the meaning of the options.
type config struct {
	protocol     string // name of the option: "req0"
	addresses    []address
	topics       []string
	format       string // "" prints nothing, as "no" does
	data         []byte
	hasData      bool
	count        int
	delay        time.Duration
	interval     time.Duration
	recvTimeout  time.Duration
	sendTimeout  time.Duration
	maxRecv      int // 0 for the default
	verbose      bool
	async        bool
	compat       bool
	insecure     bool
	cacert, cert []byte
	key          []byte
	help         bool
	version      bool
}

// Limits of whole-numbered values.
const (
	maxPort    = 65536
	maxSeconds = 86400
	maxInt     = 1<<31 - 1
)

// parse reads nngcat's command line. Its errors read as nngcat's do, because scripts compare them.
func parse(args []string, stdin io.Reader) (*config, error) {
	c := &config{interval: forever, recvTimeout: forever, sendTimeout: forever}
	list, scanErr := scan(args)
	for _, option := range list {
		if err := c.set(option.name, option.value, stdin); err != nil {
			return nil, err
		}
		if c.help || c.version {
			return c, nil // nngcat ends here, whatever follows
		}
	}
	if scanErr != nil {
		return nil, scanErr
	}
	return c, c.check()
}

// set applies one option.
func (c *config) set(name, value string, stdin io.Reader) (err error) {
	switch name {
	case "help":
		c.help = true
	case "version":
		c.version = true
	case "verbose", "silent":
		c.verbose = name == "verbose"
	case "dial", "connect", "listen", "bind":
		c.add(name == "listen" || name == "bind", value)
	case "bind-ipc", "connect-ipc":
		c.add(name == "bind-ipc", "ipc:///"+value)
	case "bind-local", "connect-local":
		var port int
		port, err = number(value, maxPort)
		c.add(name == "bind-local", fmt.Sprintf("tcp://127.0.0.1:%d", port))
	case "subscribe":
		c.topics = append(c.topics, value)
	case "data":
		err = c.setData([]byte(value))
	case "file":
		if c.hasData {
			return c.setData(nil)
		}
		var data []byte
		if data, err = load(value, stdin); err == nil {
			err = c.setData(data)
		}
	case "format":
		if c.format == "" && !strings.Contains(" no ascii hex msgpack quoted raw ", " "+value+" ") {
			return errors.New("Invalid format specified.")
		}
		err = c.setFormat(value)
	case "ascii", "quoted", "raw", "hex", "msgpack":
		err = c.setFormat(name)
	case "count":
		c.count, err = number(value, maxInt)
	case "delay":
		c.delay, err = seconds(value)
	case "interval":
		c.interval, err = seconds(value)
	case "recv-timeout":
		c.recvTimeout, err = seconds(value)
	case "send-timeout":
		c.sendTimeout, err = seconds(value)
	case "recv-maxsz":
		if c.maxRecv, err = number(value, maxInt); c.maxRecv == 0 {
			c.maxRecv = maxInt
		}
	case "compat":
		c.compat = true
	case "async":
		c.async = true
	case "insecure":
		c.insecure = true
	case "cacert":
		err = loadOnce(&c.cacert, "CA Certificate (--cacert)", value, stdin)
	case "key":
		err = loadOnce(&c.key, "Key (--key)", value, stdin)
	case "cert":
		err = loadOnce(&c.cert, "Cert (--cert)", value, stdin)
	case "socket-name", "zt-home": // taken and ignored, as in nngcat built without ZeroTier
	default:
		if c.protocol != "" {
			return errors.New("Only one protocol may be specified.")
		}
		c.protocol = name
	}
	return err
}

func (c *config) add(listen bool, url string) {
	c.addresses = append(c.addresses, address{listen, url})
}

func (c *config) setData(data []byte) error {
	if c.hasData {
		return errors.New("Data (--file, --data) may be specified only once.")
	}
	c.data, c.hasData = data, true
	return nil
}

func (c *config) setFormat(name string) error {
	if c.format != "" {
		return errors.New("Format may be specified only once.")
	}
	c.format = name
	return nil
}

// check finds options that do not go together, in nngcat's order. It settles the protocols of --pair and --sub.
func (c *config) check() error {
	if len(c.addresses) == 0 {
		return errors.New("No address specified.")
	}
	if c.compat {
		switch {
		case c.async:
			return errors.New("Options --async and --compat are incompatible.")
		case c.count != 0:
			return errors.New("Options --count and --compat are incompatible.")
		case c.protocol == "pair1":
			return errors.New("Protocol does not support --compat.")
		}
		c.async = true
	}
	switch {
	case c.protocol == "sub", c.protocol == "pair" && c.compat:
		c.protocol += "0"
	case c.protocol == "pair":
		c.protocol = "pair1"
	}
	if c.protocol != "sub0" && len(c.topics) > 0 {
		return errors.New("Protocol does not support --subscribe.")
	}
	return protocols[c.protocol].kind.check(c)
}

// number reads a decimal number without a sign.
func number(s string, limit int) (int, error) {
	if s == "" {
		return 0, errors.New("Empty integer argument.")
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, errors.New("Integer argument expected.")
		}
		if n = n*10 + int(c-'0'); n > limit {
			return 0, errors.New("Integer argument too large.")
		}
	}
	return n, nil
}

func seconds(s string) (time.Duration, error) {
	n, err := number(s, maxSeconds)
	return time.Duration(n) * time.Second, err
}

// load reads a whole file, or standard input for "-".
func load(path string, stdin io.Reader) ([]byte, error) {
	if path == "-" {
		data, err := io.ReadAll(stdin)
		if err != nil {
			err = fmt.Errorf("Read from %s failed: %s", path, errorText(err))
		}
		return data, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		err = fmt.Errorf("Cannot open file %s: %s", path, systemText(err))
	}
	return data, err
}

func loadOnce(to *[]byte, what, path string, stdin io.Reader) (err error) {
	if *to != nil {
		return fmt.Errorf("%s may be specified only once.", what)
	}
	if *to, err = load(path, stdin); *to == nil {
		*to = []byte{}
	}
	return err
}
