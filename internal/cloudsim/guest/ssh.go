package guest

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"mvdan.cc/sh/v3/syntax"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

const hostKeyFile = "/etc/ssh/ssh_host_ed25519_key"

// ensureHostKeys makes the host key on the first start.
func (m *Machine) ensureHostKeys() error {
	if _, err := m.hostKey(); err == nil {
		return nil
	}
	private, public, err := newKeyPair("root@" + m.hostname())
	if err != nil {
		return err
	}
	if err := m.disk.WriteFile(vfs.Root(), hostKeyFile, private, 0o600); err != nil {
		return err
	}
	return m.disk.WriteFile(vfs.Root(), hostKeyFile+".pub", public, 0o644)
}

func (m *Machine) hostKey() (ssh.Signer, error) {
	data, err := m.disk.ReadFile(vfs.Root(), hostKeyFile)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(data); block == nil {
		return nil, fmt.Errorf("%s is not a key", hostKeyFile)
	}
	return ssh.ParsePrivateKey(data)
}

// sshdSettings are the lines of sshd_config that count here.
type sshdSettings struct {
	port         uint16
	passwords    bool
	rootLogin    string
	rootPassword bool
}

func (m *Machine) sshdSettings() sshdSettings {
	s := sshdSettings{port: 22, passwords: true, rootLogin: "prohibit-password"}
	seen := map[string]bool{}
	// As in sshd, the first value counts; the included files come first.
	files := append(m.confFiles("/etc/ssh/sshd_config.d"), "/etc/ssh/sshd_config")
	for _, file := range files {
		for _, line := range m.lines(file) {
			f := strings.Fields(line)
			if len(f) < 2 || strings.HasPrefix(f[0], "#") || seen[strings.ToLower(f[0])] {
				continue
			}
			key, value := strings.ToLower(f[0]), strings.ToLower(f[1])
			seen[key] = true
			switch key {
			case "passwordauthentication":
				s.passwords = value == "yes"
			case "permitrootlogin":
				s.rootLogin = value
			case "port":
				if from, _, err := portRange(value); err == nil {
					s.port = from
				}
			}
		}
	}
	s.rootPassword = s.rootLogin == "yes"
	return s
}

// startSSHD answers on the SSH port; each connection has its goroutines, an idle
// daemon has none.
func startSSHD(ctx context.Context, m *Machine, _ unit) (func(), error) {
	settings := m.sshdSettings()
	key, err := m.hostKey()
	if err != nil {
		return nil, fmt.Errorf("no hostkeys available -- exiting: %w", err)
	}
	config := &ssh.ServerConfig{
		ServerVersion:     "SSH-2.0-OpenSSH_8.7",
		PublicKeyCallback: m.acceptKey,
		PasswordCallback: func(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if !settings.passwords || c.User() == "root" && !settings.rootPassword || !m.checkPassword(c.User(), string(password)) {
				return nil, errors.New("permission denied")
			}
			return nil, nil
		},
	}
	config.AddHostKey(key)
	err = m.listen(settings.port, func(c net.Conn) {
		m.spawn(func() { m.serveSSH(ctx, c, config) })
	})
	return func() { m.unlisten(settings.port) }, err
}

// acceptKey looks into the authorized_keys of the user.
func (m *Machine) acceptKey(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	a, err := m.userNamed(c.User())
	if err != nil || a.name == "root" && m.sshdSettings().rootLogin == "no" {
		return nil, errors.New("permission denied")
	}
	rest, err := m.disk.ReadFile(vfs.Root(), a.home+"/.ssh/authorized_keys")
	for err == nil && len(rest) > 0 {
		var have ssh.PublicKey
		have, _, _, rest, err = ssh.ParseAuthorizedKey(rest)
		if err == nil && bytes.Equal(have.Marshal(), key.Marshal()) {
			return nil, nil
		}
	}
	return nil, errors.New("permission denied")
}

// loginGrace is how long a client may take to log in, in real time: it sits on
// the other side of a real connection.
const loginGrace = 2 * time.Minute

func (m *Machine) serveSSH(ctx context.Context, c net.Conn, config *ssh.ServerConfig) {
	defer func() { _ = c.Close() }() // the peer may have closed it already
	if err := c.SetDeadline(time.Now().Add(loginGrace)); err != nil {
		return
	}
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		m.journal("sshd", "Connection closed by "+c.RemoteAddr().String()+" [preauth]")
		return
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		return
	}
	m.journal("sshd", "Accepted login for "+conn.User()+" from "+c.RemoteAddr().String())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var open sync.WaitGroup
	defer open.Wait()
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		if ch.ChannelType() == "direct-tcpip" {
			open.Add(1)
			m.spawn(func() {
				defer open.Done()
				m.forwardSSH(ctx, ch)
			})
			continue
		}
		if ch.ChannelType() != "session" {
			_ = ch.Reject(ssh.UnknownChannelType, "only sessions and forwarded connections are supported") // the connection is gone then
			continue
		}
		channel, reqs, err := ch.Accept()
		if err != nil {
			return
		}
		open.Add(1)
		m.spawn(func() {
			defer open.Done()
			m.sshSession(ctx, conn.User(), channel, reqs)
		})
	}
	cancel()
}

// forwardSSH carries a connection that the client opens through the guest, as
// ssh -L does.
func (m *Machine) forwardSSH(ctx context.Context, request ssh.NewChannel) {
	var to struct {
		Host     string
		Port     uint32
		FromHost string
		FromPort uint32
	}
	if err := ssh.Unmarshal(request.ExtraData(), &to); err != nil || to.Port > 65535 {
		_ = request.Reject(ssh.ConnectionFailed, "bad request") // the connection is gone then
		return
	}
	target, err := m.dialOut(ctx, to.Host, int(to.Port))
	if err != nil {
		_ = request.Reject(ssh.ConnectionFailed, err.Error()) // as above
		return
	}
	channel, reqs, err := request.Accept()
	if err != nil {
		_ = target.Close()
		return
	}
	go ssh.DiscardRequests(reqs)
	// Either side may end first, and both must be closed then.
	end := context.AfterFunc(ctx, func() { _, _ = channel.Close(), target.Close() })
	defer end()
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(target, channel)
		if c, ok := target.(interface{ CloseWrite() error }); ok {
			_ = c.CloseWrite()
		}
	})
	_, _ = io.Copy(channel, target)
	_, _ = channel.CloseWrite(), target.Close()
	both.Wait()
	_ = channel.Close()
}

// sshSession serves one session: environment, then exec or shell.
func (m *Machine) sshSession(ctx context.Context, user string, ch ssh.Channel, reqs <-chan *ssh.Request) {
	defer func() { _ = ch.Close() }() // closed twice at worst
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	env := map[string]string{}
	for req := range reqs {
		switch req.Type {
		case "env":
			var kv struct{ Name, Value string }
			if err := ssh.Unmarshal(req.Payload, &kv); err == nil {
				env[kv.Name] = kv.Value
			}
			reply(req, true)
		case "pty-req", "window-change", "signal":
			reply(req, true)
		case "exec", "shell":
			var cmd struct{ Text string }
			if req.Type == "exec" {
				if err := ssh.Unmarshal(req.Payload, &cmd); err != nil {
					reply(req, false)
					continue
				}
			}
			reply(req, true)
			// Requests go on arriving; their end means the client left.
			go func() {
				for r := range reqs {
					reply(r, r.Type == "window-change" || r.Type == "signal")
				}
				cancel()
			}()
			m.finish(ch, m.sshRun(ctx, user, env, req.Type == "shell", cmd.Text, ch))
			return
		default:
			reply(req, false)
		}
	}
}

// reply answers a request that wants it; a lost connection shows up elsewhere.
func reply(req *ssh.Request, ok bool) {
	if req.WantReply {
		_ = req.Reply(ok, nil)
	}
}

func (m *Machine) finish(ch ssh.Channel, status int) {
	// What a command wrote survives the loss of the cloud's process.
	if err := m.disk.Sync(); err != nil {
		m.cfg.Log.Error("guest disk", "guest", m.cfg.ID, "error", err)
	}
	_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
}

func (m *Machine) sshRun(ctx context.Context, user string, env map[string]string, interactive bool, text string, ch ssh.Channel) int {
	a, err := m.userNamed(user)
	if err != nil {
		fmt.Fprintf(ch.Stderr(), "%v\n", err)
		return 255
	}
	s := m.login(a)
	for k, v := range env {
		s.env[k] = v
	}
	if interactive {
		return m.lineShell(ctx, s, ch)
	}
	in, done, err := pipeFrom(ch)
	if err != nil {
		fmt.Fprintf(ch.Stderr(), "%v\n", err)
		return 255
	}
	defer done()
	return m.shell(ctx, s, script{text: text, name: "bash"}, stdio{in: in, out: ch, err: ch.Stderr()})
}

// pipeFrom gives the interpreter the file it wants as standard input, fed from a
// reader. done ends the feeding.
func pipeFrom(r io.Reader) (*os.File, func(), error) {
	pr, pw, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	go func() {
		// Fails when the command stopped reading: then nobody misses the rest.
		_, _ = io.Copy(pw, r)
		_ = pw.Close()
	}()
	return pr, func() { _ = pr.Close() }, nil
}

// lineShell is a session without a command: statements run as they come.
func (m *Machine) lineShell(ctx context.Context, s session, ch ssh.Channel) int {
	run, err := m.runner(s, script{name: "bash"}, stdio{out: ch, err: ch.Stderr()})
	if err != nil {
		fmt.Fprintf(ch.Stderr(), "%v\n", err)
		return 255
	}
	status := 0
	reader := &ctxReader{ctx: ctx, r: ch}
	for stmts, err := range syntax.NewParser().InteractiveSeq(reader) {
		if err != nil {
			fmt.Fprintf(ch.Stderr(), "bash: %v\n", err)
			return 2
		}
		for _, stmt := range stmts {
			guard(stmt, m)
			status = exitStatus(run.Run(ctx, stmt), "bash", ch.Stderr())
			if run.Exited() || ctx.Err() != nil {
				return status
			}
		}
	}
	return status
}

// ctxReader ends with the context, between reads.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *ctxReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, io.EOF
	}
	return r.r.Read(p)
}
