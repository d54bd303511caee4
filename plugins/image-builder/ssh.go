package imagebuilder

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// keyPair is the key of one build. It is never stored.
type keyPair struct {
	signer ssh.Signer
	public string // as authorized_keys holds it
}

func newKey(tag string) (*keyPair, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a temporary key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, fmt.Errorf("make a temporary key: %w", err)
	}
	public := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	return &keyPair{signer: signer, public: public + " " + keyName(tag)}, nil
}

// blob is the part of the public key that no comment or option changes.
func (k *keyPair) blob() string { return strings.Fields(k.public)[1] }

// guest is a machine reached over SSH.
type guest struct {
	client *ssh.Client
	user   string
}

// connectTimeout is how long one attempt to connect may take.
const connectTimeout = 15 * time.Second

// connect reaches the machine as a user that may become root. The machine is booting: it tries until the time is up.
func connect(ctx context.Context, address string, pair *keyPair, users []string, limit time.Duration) (*guest, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	// The machine is new and so is its key: whoever answers first stays the one to talk to.
	var pinned pinnedHost
	var last error
	var g *guest
	err := cloudstack.Poll(ctx, 3*time.Second, func(ctx context.Context) (bool, error) {
		for _, user := range users {
			if g, last = login(ctx, address, user, pair, &pinned); last == nil {
				return true, nil
			}
			if errors.Is(last, errHostChanged) {
				return false, last
			}
			if !strings.Contains(last.Error(), "unable to authenticate") && !errors.Is(last, errNotRoot) {
				break // not up yet: another user will not help
			}
		}
		return false, nil
	})
	if err == nil {
		return g, nil
	}
	if errors.Is(err, context.DeadlineExceeded) && last != nil {
		return nil, fmt.Errorf("reach the machine by SSH at %s within %s (tried the users %s): %w", address, limit, strings.Join(users, ", "), last)
	}
	return nil, fmt.Errorf("reach the machine by SSH at %s: %w", address, err)
}

var (
	errHostChanged = errors.New("another machine answers than at first: its host key has changed")
	errNotRoot     = errors.New("the user may not become root without a password")
)

// pinnedHost accepts the first host key it sees and no other.
type pinnedHost struct {
	mu  sync.Mutex // guards key
	key []byte
}

func (p *pinnedHost) check(_ string, _ net.Addr, key ssh.PublicKey) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.key == nil {
		p.key = key.Marshal()
	}
	if !bytes.Equal(p.key, key.Marshal()) {
		return errHostChanged
	}
	return nil
}

// login opens a connection as one user and makes sure that it can become root.
func login(ctx context.Context, address, user string, pair *keyPair, pinned *pinnedHost) (*guest, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	// The handshake knows no context: closing the connection ends it.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	changed := false
	c, channels, requests, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(pair.signer)},
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			err := pinned.check(host, remote, key)
			changed = err != nil
			return err
		},
	})
	if err != nil {
		conn.Close()
		if changed {
			return nil, errHostChanged
		}
		return nil, err
	}
	g := &guest{client: ssh.NewClient(c, channels, requests), user: user}
	// Some images answer root with advice to use another user, so it is not enough that the login succeeds.
	out, err := g.run(ctx, "id -u", nil)
	if err != nil || strings.TrimSpace(out) != "0" {
		g.close()
		if err == nil || ctx.Err() == nil {
			return nil, errNotRoot
		}
		return nil, err
	}
	return g, nil
}

func (g *guest) close() {
	// The machine may be gone already, and nothing depends on a clean goodbye.
	_ = g.client.Close()
}

// guestError is a script that failed on the machine.
type guestError struct {
	status int
	output string
}

func (e *guestError) Error() string {
	text := tail(e.output, 20)
	if text == "" {
		return fmt.Sprintf("exit status %d without a word", e.status)
	}
	return fmt.Sprintf("exit status %d:\n%s", e.status, text)
}

// run carries out a script as root and returns what it printed.
func (g *guest) run(ctx context.Context, script string, stdin io.Reader) (string, error) {
	session, err := g.client.NewSession()
	if err != nil {
		return "", fmt.Errorf("open a session on the machine: %w", err)
	}
	defer session.Close()
	stop := context.AfterFunc(ctx, func() { session.Close() })
	defer stop()
	if g.user != "root" {
		script = "sudo -n sh -c " + quote(script)
	}
	var out limitedBuffer
	session.Stdin, session.Stdout, session.Stderr = stdin, &out, &out
	err = session.Run(script)
	if ctx.Err() != nil {
		return out.String(), ctx.Err()
	}
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return out.String(), &guestError{status: exit.ExitStatus(), output: out.String()}
	}
	if err != nil {
		return out.String(), fmt.Errorf("the connection to the machine broke: %w", err)
	}
	return out.String(), nil
}

// limitedBuffer keeps the end of what is written to it.
type limitedBuffer struct {
	mu   sync.Mutex // guards data
	data []byte
}

const keptOutput = 64 << 10

func (b *limitedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data = append(b.data, p...)
	if extra := len(b.data) - keptOutput; extra > 0 {
		b.data = slices.Delete(b.data, 0, extra)
	}
	return len(p), nil
}

func (b *limitedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.data)
}

// tail is the last lines of a text, with everything unprintable removed.
func tail(text string, lines int) string {
	clean := strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) {
			return r
		}
		return -1
	}, text)
	all := strings.Split(strings.TrimSpace(clean), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// quote makes one word of a text for a POSIX shell. The quote itself stands in double quotes: not every shell agrees on a backslash.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'"'"'`) + "'" }

// usersFor are the users to try on a machine, the likeliest first.
func usersFor(image Image, template cloudstack.Object) []string {
	if image.Connect != nil && image.Connect.User != nil && *image.Connect.User != "" {
		return []string{*image.Connect.User}
	}
	all := []string{"root", "cloud-user", "rocky", "almalinux", "centos", "ubuntu", "debian", "fedora", "opensuse", "ec2-user", "admin"}
	about := strings.ToLower(template.Str("name") + " " + template.Str("displaytext") + " " + template.Str("ostypename"))
	slices.SortStableFunc(all, func(a, b string) int {
		inA, inB := strings.Contains(about, a), strings.Contains(about, b)
		switch {
		case inA == inB:
			return 0
		case inA:
			return -1
		}
		return 1
	})
	return all
}
