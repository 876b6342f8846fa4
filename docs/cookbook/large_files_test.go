// SPDX-License-Identifier: MIT

package cookbook_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/sprymq/spry"
)

const (
	chunk  = 256 << 10
	window = 8 // chunks that are on their way at a time
)

// fetch reads a file of size bytes from a service, in chunks, and writes them in order.
func fetch(ctx context.Context, req *spry.Req, size int, w io.Writer) error {
	var calls []*spry.Call
	defer func() {
		for _, c := range calls {
			c.Cancel()
		}
	}()
	for offset := 0; offset < size || len(calls) > 0; {
		for ; offset < size && len(calls) < window; offset += chunk {
			c, err := req.Start(spry.WrapMessage(binary.BigEndian.AppendUint64(nil, uint64(offset)), nil))
			if err != nil {
				return err
			}
			calls = append(calls, c)
		}
		m, err := calls[0].Wait(ctx)
		if err != nil {
			return err
		}
		calls = calls[1:]
		if _, err := w.Write(m.Bytes()); err != nil {
			return err
		}
		m.Release() // its memory is used again
	}
	return nil
}

func Example_largeFiles() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	file := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB
	rep := spry.NewRep(nil)
	defer rep.Close()
	e, err := rep.Listen(ctx, "tcp://127.0.0.1:0")
	check(err)
	go rep.Serve(ctx, 2, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) {
		if len(r.Bytes()) != 8 {
			r.Fail(fmt.Errorf("a request of %d bytes", len(r.Bytes())))
			return
		}
		offset := min(binary.BigEndian.Uint64(r.Bytes()), uint64(len(file)))
		end := min(offset+chunk, uint64(len(file)))
		_ = r.ReplyMsg(ctx, spry.WrapMessage(file[offset:end], nil)) // without a copy
	}))

	req := spry.NewReq(nil)
	defer req.Close()
	_, err = req.Dial(ctx, e.URL())
	check(err)
	sum := sha256.New()
	check(fetch(ctx, req, len(file), sum))
	want := sha256.Sum256(file)
	fmt.Println(len(file)>>20, "MiB arrived whole:", bytes.Equal(sum.Sum(nil), want[:]))
	// Output: 16 MiB arrived whole: true
}
