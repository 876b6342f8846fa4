// SPDX-License-Identifier: MIT

package gate

import (
	"bufio"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// logAccess logs each request when it has ended. It logs neither queries nor headers, which may have secrets.
func logAccess(next http.Handler, log *slog.Logger, clients *proxies) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		seen := &seenWriter{ResponseWriter: w}
		defer func() {
			client := r.RemoteAddr
			if addr := clients.Addr(r); addr.IsValid() {
				client = addr.String()
			}
			log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("client", client), slog.String("method", r.Method),
				slog.String("path", r.URL.Path), slog.Int("status", seen.status), slog.Int64("bytes", seen.bytes),
				slog.Duration("duration", time.Since(begun)), slog.String("request_id", w.Header().Get("X-Request-Id")))
		}()
		next.ServeHTTP(seen, r)
	})
}

// A seenWriter notes what is answered.
type seenWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader implements [http.ResponseWriter].
func (w *seenWriter) WriteHeader(status int) {
	if w.status < http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *seenWriter) Write(p []byte) (int, error) {
	if w.status < http.StatusOK {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Hijack is for WebSockets, whose answer is not written by WriteHeader.
func (w *seenWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status = http.StatusSwitchingProtocols
	}
	return c, rw, err
}

// Unwrap is for [http.ResponseController].
func (w *seenWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
