package guest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func newSigner(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.PublicKey())))
}

func login(t *testing.T, m *Machine, user string, auth ...ssh.AuthMethod) (*ssh.Client, error) {
	t.Helper()
	c, err := m.Dial(t.Context(), 22, netip.MustParseAddr("10.1.1.1"))
	if err != nil {
		return nil, err
	}
	conn, chans, reqs, err := ssh.NewClientConn(c, "guest:22", &ssh.ClientConfig{User: user, Auth: auth, HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		return nil, err
	}
	client := ssh.NewClient(conn, chans, reqs)
	t.Cleanup(func() { _ = client.Close() })
	return client, nil
}

func newSession(t *testing.T, c *ssh.Client) *ssh.Session {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSSH(t *testing.T) {
	t.Parallel()
	signer, line := newSigner(t)
	m := boot(t, "rocky9", func(c *Config) { c.SSHKeys = []string{line} })
	client, err := login(t, m, "rocky", ssh.PublicKeys(signer))
	if err != nil {
		t.Fatal(err)
	}
	s := newSession(t, client)
	var out, errw bytes.Buffer
	s.Stdout, s.Stderr = &out, &errw
	err = s.Run("whoami; echo problem >&2; exit 4")
	var exit *ssh.ExitError
	if !errors.As(err, &exit) || exit.ExitStatus() != 4 || out.String() != "rocky\n" || errw.String() != "problem\n" {
		t.Errorf("%v %q %q", err, out.String(), errw.String())
	}

	// A large binary upload, as image builders do it.
	data := make([]byte, 3<<20)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	s = newSession(t, client)
	s.Stdin = bytes.NewReader(data)
	if err := s.Run("sudo sh -c 'cat > /opt/upload.bin'"); err != nil {
		t.Fatal(err)
	}
	got, err := newSession(t, client).Output("sha256sum < /opt/upload.bin; stat -c %s /opt/upload.bin")
	if want := fmt.Sprintf("%x  -\n%d\n", sha256.Sum256(data), len(data)); err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}

	// Environment, and lines typed into a shell.
	s = newSession(t, client)
	if err := s.Setenv("GREETING", "hi"); err != nil {
		t.Fatal(err)
	}
	s.Stdin = strings.NewReader("echo $GREETING\nif true\nthen echo two\nfi\nfalse\nexit 5\n")
	out.Reset()
	s.Stdout = &out
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 5 || out.String() != "hi\ntwo\n" {
		t.Errorf("shell: %v %q", err, out.String())
	}

	// A connection forwarded through the guest.
	if _, err := client.Dial("tcp", "127.0.0.1:80"); err == nil {
		t.Error("forwarded to a closed port")
	}
	if out, err := newSession(t, client).CombinedOutput("sudo dnf -qy install httpd && echo forwarded | sudo tee /var/www/html/index.html && sudo systemctl start httpd"); err != nil {
		t.Fatalf("%s %v", out, err)
	}
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return client.Dial("tcp", "127.0.0.1:80") }}}
	resp, err := web.Get("http://localhost/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "forwarded\n" {
		t.Errorf("forwarded: %q %v", body, err)
	}

	// A machine that goes down ends its connections.
	s = newSession(t, client)
	if err := s.Start("sleep 1; cat"); err != nil {
		t.Fatal(err)
	}
	if err := m.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); err == nil {
		t.Error("the session outlived the machine")
	}
}

func TestSSHRefuses(t *testing.T) {
	t.Parallel()
	signer, line := newSigner(t)
	other, _ := newSigner(t)
	m := boot(t, "ubuntu2404", func(c *Config) { c.SSHKeys, c.Password = []string{line}, "s3cret" })
	tests := map[string]struct {
		user string
		auth ssh.AuthMethod
		ok   bool
	}{
		"key":              {"ubuntu", ssh.PublicKeys(signer), true},
		"key of root":      {"root", ssh.PublicKeys(signer), true},
		"other key":        {"ubuntu", ssh.PublicKeys(other), false},
		"password":         {"ubuntu", ssh.Password("s3cret"), true},
		"wrong password":   {"ubuntu", ssh.Password("secret"), false},
		"unknown user":     {"nobody-here", ssh.Password("s3cret"), false},
		"locked account":   {"daemon", ssh.Password(""), false},
		"password of root": {"root", ssh.Password("s3cret"), true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := login(t, m, tc.user, tc.auth); (err == nil) != tc.ok {
				t.Errorf("got %v, want success %v", err, tc.ok)
			}
		})
	}
}

func TestSHA512Crypt(t *testing.T) {
	t.Parallel()
	// As openssl passwd -6 prints it.
	const want = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
	if got := sha512Crypt("Hello world!", "saltstring"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestIdleGuest: an idle guest costs at most five goroutines, a stopped one none.
// It is not parallel, so that it counts its own alone.
func TestIdleGuest(t *testing.T) {
	before := runtime.NumGoroutine()
	settle := func(most int) int {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine()-before > most && time.Now().Before(deadline); {
			<-tick.C
		}
		return runtime.NumGoroutine() - before
	}
	m := boot(t, "rocky9")
	mustRun(t, m, "dnf -y install httpd; systemctl start httpd")
	if n := settle(5); n > 5 {
		t.Errorf("%d goroutines", n)
	}
	m.Kill()
	if n := settle(0); n > 0 {
		t.Errorf("%d goroutines after power off", n)
	}
}
