package spry_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sprymq/spry"
)

func TestSmoke(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, url := range []string{"tcp://127.0.0.1:0", "ipc://" + t.TempDir() + "/s", "inproc://smoke"} {
		t.Run(url[:4], func(t *testing.T) {
			pull := spry.NewPull(nil)
			push := spry.NewPush(nil)
			e, err := pull.Listen(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := push.Dial(ctx, e.URL()); err != nil {
				t.Fatal(err)
			}
			const n = 100000
			go func() {
				for i := range n {
					if err := push.Send(ctx, []byte(fmt.Sprint(i))); err != nil {
						t.Error(err)
						return
					}
				}
			}()
			for i := range n {
				b, err := pull.Recv(ctx)
				if err != nil {
					t.Fatal(i, err)
				}
				if string(b) != fmt.Sprint(i) {
					t.Fatalf("got %s want %d", b, i)
				}
			}
			t.Logf("%+v", push.Stats())
			if err := push.Close(); err != nil {
				t.Error(err)
			}
			if err := pull.Close(); err != nil {
				t.Error(err)
			}
			rep := spry.NewRep(nil)
			req := spry.NewReq(nil)
			e, err = rep.Listen(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error)
			go func() {
				done <- rep.Handle(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { r.Reply(ctx, r.Bytes()) }))
			}()
			req.Dial(ctx, e.URL())
			for i := range 1000 {
				b, err := req.Do(ctx, []byte(fmt.Sprint(i)))
				if err != nil || string(b) != fmt.Sprint(i) {
					t.Fatal(b, err)
				}
			}
			if err := req.Close(); err != nil {
				t.Error(err)
			}
			if err := rep.Close(); err != nil {
				t.Error(err)
			}
			t.Log(<-done)
		})
	}
}
