// SPDX-License-Identifier: MIT

package cat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"
)

// A Replier makes the frames of the answer from those of a request. It is called by several goroutines at once. An error
// means that there is no answer.
type Replier func(ctx context.Context, request [][]byte, peer string) ([][]byte, error)

// Echo answers with the request.
func Echo(_ context.Context, request [][]byte, _ string) ([][]byte, error) { return request, nil }

// Fixed answers every request alike.
func Fixed(answer [][]byte) Replier {
	return func(context.Context, [][]byte, string) ([][]byte, error) { return answer, nil }
}

// maxAnswer limits a command's output as an answer, in bytes.
const maxAnswer = 1 << 30

// Exec answers with the output of a command that gets the request on its standard input. The shell runs the command line,
// with SPRY_PEER and SPRY_SIZE in the environment. The command's standard error goes to stderr. A command that fails makes
// no answer; with failuresToo, its output is the answer anyway. separator separates the frames of the request and, if it is
// not empty, of the answer.
func Exec(line, separator string, stderr io.Writer, failuresToo bool) Replier {
	return func(ctx context.Context, frames [][]byte, peer string) ([][]byte, error) {
		request := bytes.Join(frames, []byte(separator))
		cmd := shell(ctx, line)
		out := limited{left: maxAnswer}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(request), &out, stderr
		cmd.Env = append(os.Environ(), "SPRY_PEER="+peer, "SPRY_SIZE="+strconv.Itoa(len(request)))
		cmd.WaitDelay = time.Second // for its children that still have the output open
		err := cmd.Run()
		_, ran := errors.AsType[*exec.ExitError](err)
		if err != nil && !(failuresToo && ran && ctx.Err() == nil) {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		if separator == "" {
			return [][]byte{out.Bytes()}, nil
		}
		return bytes.Split(out.Bytes(), []byte(separator)), nil
	}
}

// shell runs a line in the system's shell.
func shell(ctx context.Context, line string) *exec.Cmd {
	if runtime.GOOS == "windows" {
		return exec.CommandContext(ctx, "cmd", "/C", line)
	}
	return exec.CommandContext(ctx, "/bin/sh", "-c", line)
}

// limited is a buffer that refuses to grow without end.
type limited struct {
	bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.left {
		return 0, fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	l.left -= len(p)
	return l.Buffer.Write(p)
}
