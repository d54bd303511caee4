package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func pair() (*Conn, *Conn) {
	return Pair(&net.TCPAddr{IP: net.IPv4(10, 1, 1, 1), Port: 1}, &net.TCPAddr{IP: net.IPv4(10, 1, 1, 2), Port: 2})
}

func TestHalfClose(t *testing.T) {
	t.Parallel()
	a, b := pair()
	go func() {
		data, err := io.ReadAll(b)
		if err != nil {
			data = []byte(err.Error())
		}
		_, _ = b.Write([]byte(strings.ToUpper(string(data))))
		_ = b.Close()
	}()
	// Larger than the window, so that the writer has to wait.
	text := strings.Repeat("x", 3*window)
	if _, err := a.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := a.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(a)
	if err != nil || string(got) != strings.ToUpper(text) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair()
		if err := a.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		if time.Since(start) != time.Second {
			t.Errorf("waited %v", time.Since(start))
		}
		// A new deadline makes the connection usable again.
		if err := a.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
	})
}

func TestEnds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end  func(a, b *Conn)
		want string
	}{
		"peer closed": {func(_, b *Conn) { _ = b.Close() }, "EOF"},
		"own close":   {func(a, _ *Conn) { _ = a.Close() }, net.ErrClosed.Error()},
		"peer died":   {func(_, b *Conn) { b.Break() }, "connection reset by peer"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pair()
			tc.end(a, b)
			if _, err := a.Read(make([]byte, 1)); err == nil || !strings.HasSuffix(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if _, err := a.Write([]byte("x")); err == nil {
				t.Error("write succeeded")
			}
		})
	}
}
