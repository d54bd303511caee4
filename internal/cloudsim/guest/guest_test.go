package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

// fastClock passes at once: sleeping moves its hands.
type fastClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *fastClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fastClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

// openWorld lets everything out and knows no other guest.
type openWorld struct{ closed bool }

func (w openWorld) Egress(context.Context, string, string, int) error {
	if w.closed {
		return errors.New("no egress rule")
	}
	return nil
}

func (openWorld) Dial(context.Context, netip.AddrPort) (net.Conn, error) { return nil, ErrFiltered }

type setup func(*Config)

func userData(text string) setup { return func(c *Config) { c.UserData = []byte(text) } }

// boot starts a guest in memory and waits for its user data.
func boot(t *testing.T, image string, changes ...setup) *Machine {
	t.Helper()
	disk, err := CreateDisk("", image)
	if err != nil {
		t.Fatal(err)
	}
	return bootDisk(t, disk, changes...)
}

func bootDisk(t *testing.T, disk *vfs.Disk, changes ...setup) *Machine {
	t.Helper()
	cfg := Config{
		ID: "vm-1", InstanceID: "i-1", Hostname: "web-1", Domain: "cs2cloud.internal", Address: netip.MustParseAddr("10.1.1.5"), Gateway: netip.MustParseAddr("10.1.1.1"),
		Disk: disk, Network: openWorld{}, Clock: &fastClock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, CPUs: 2, MemoryMB: 2048,
	}
	for _, c := range changes {
		c(&cfg)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Kill)
	if err := m.WaitInit(t.Context()); err != nil {
		t.Logf("user data: %v", err)
	}
	return m
}

type result struct {
	out, err string
	status   int
}

// as runs a script as a user.
func as(t *testing.T, m *Machine, user, text string) result {
	t.Helper()
	a, err := m.userNamed(user)
	if err != nil {
		t.Fatal(err)
	}
	var out, errw bytes.Buffer
	status := m.shell(t.Context(), m.login(a), script{text: text, name: "bash"}, stdio{out: &out, err: &errw})
	return result{out.String(), errw.String(), status}
}

func mustRun(t *testing.T, m *Machine, text string) string {
	t.Helper()
	r := as(t, m, "root", text)
	if r.status != 0 {
		t.Fatalf("%s: exit status %d\n%s%s", text, r.status, r.out, r.err)
	}
	return r.out
}

// get fetches a page from outside.
func get(t *testing.T, m *Machine, port uint16, path string) (int, string, http.Header, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return m.Dial(ctx, port, netip.MustParseAddr("10.1.1.1"))
		},
	}}
	resp, err := client.Get("http://guest" + path)
	if err != nil {
		return 0, "", nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), resp.Header, err
}

// TestWebImage is the way of the guide, from a fresh image to a served page.
func TestWebImage(t *testing.T) {
	t.Parallel()
	for _, image := range []string{"rocky9", "alma9", "centos9"} {
		t.Run(image, func(t *testing.T) {
			t.Parallel()
			m := boot(t, image)
			if _, _, _, err := get(t, m, 80, "/"); !errors.Is(err, ErrFiltered) {
				t.Errorf("before anything: %v, want %v", err, ErrFiltered)
			}
			mustRun(t, m, "dnf install -y httpd php")
			mustRun(t, m, "firewall-cmd --permanent --add-service=http && firewall-cmd --reload")
			if _, _, _, err := get(t, m, 80, "/"); !errors.Is(err, ErrRefused) {
				t.Errorf("before the service runs: %v, want %v", err, ErrRefused)
			}
			mustRun(t, m, `cat > /var/www/html/index.php <<'PHP'
<?php echo gethostname(); phpinfo(); ?>
PHP
systemctl enable --now httpd`)
			status, body, _, err := get(t, m, 80, "/")
			if err != nil || status != 200 || !strings.HasPrefix(body, "web-1<!DOCTYPE") || !strings.Contains(body, "PHP Version") {
				t.Fatalf("got %d %.80q %v", status, body, err)
			}
			if out := mustRun(t, m, `curl -s -o /dev/null -w '%{http_code}' http://localhost/`); out != "200" {
				t.Errorf("from inside: %q", out)
			}
			if out := mustRun(t, m, "tail -1 /var/log/httpd/access_log"); !strings.Contains(out, "curl/") {
				t.Errorf("access log: %q", out)
			}
			// What was enabled is back after a restart, with its files and ports.
			if err := m.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := m.Dial(t.Context(), 80, netip.MustParseAddr("10.1.1.1")); !errors.Is(err, ErrFiltered) {
				t.Errorf("machine off: %v", err)
			}
			if err := m.Boot(t.Context()); err != nil {
				t.Fatal(err)
			}
			if status, _, _, err := get(t, m, 80, "/index.php"); err != nil || status != 200 {
				t.Errorf("after a restart: %d %v", status, err)
			}
		})
	}
}

func TestWebImageUbuntu(t *testing.T) {
	t.Parallel()
	m := boot(t, "ubuntu2404")
	out := mustRun(t, m, "export DEBIAN_FRONTEND=noninteractive; apt-get update && apt-get install -y apache2 php libapache2-mod-php")
	if !strings.Contains(out, "Setting up apache2") {
		t.Errorf("apt said %q", out)
	}
	mustRun(t, m, "ufw allow 80/tcp; rm -f /var/www/html/index.html; echo '<?php echo gethostname();' > /var/www/html/index.php")
	// The package starts its service; ufw is inactive.
	if status, body, _, err := get(t, m, 80, "/"); err != nil || status != 200 || body != "web-1" {
		t.Errorf("got %d %q %v", status, body, err)
	}
	mustRun(t, m, "ufw --force enable && ufw delete allow 80/tcp")
	if _, _, _, err := get(t, m, 80, "/"); !errors.Is(err, ErrFiltered) {
		t.Errorf("closed port: %v", err)
	}
	if out := mustRun(t, m, "dpkg -s apache2"); !strings.Contains(out, "Status: install ok installed") {
		t.Errorf("dpkg said %q", out)
	}
}

// TestTemplate: a clone of the disk boots as another machine and serves at once.
func TestTemplate(t *testing.T) {
	t.Parallel()
	disk, err := CreateDisk(t.TempDir(), "rocky9")
	if err != nil {
		t.Fatal(err)
	}
	m := bootDisk(t, disk, userData("#!/bin/sh\necho first >> /root/runs\n"))
	mustRun(t, m, "dnf -y install httpd php; firewall-cmd --permanent --add-service=http; echo '<?= gethostname() ?>' > /var/www/html/index.php; systemctl enable httpd; cat /etc/ssh/ssh_host_ed25519_key.pub > /root/old-key")
	if err := m.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	template, err := m.Disk().Clone(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := template.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		copied, err := template.Clone("")
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("member-%d", i)
		n := bootDisk(t, copied, userData("#!/bin/sh\necho second >> /root/runs\n"), func(c *Config) {
			c.ID, c.InstanceID, c.Hostname = name, name, name
		})
		if status, body, _, err := get(t, n, 80, "/"); err != nil || status != 200 || body != name {
			t.Errorf("%s: %d %q %v", name, status, body, err)
		}
		if out := mustRun(t, n, "cat /root/runs"); out != "first\nsecond\n" {
			t.Errorf("user data ran %q", out)
		}
		if r := as(t, n, "root", "cmp -s /root/old-key /etc/ssh/ssh_host_ed25519_key.pub"); r.status == 0 {
			t.Error("the new instance kept the host key of the template")
		}
	}
}

// TestSeal: the script with which an image builder ends makes the next boot a
// first boot of another machine.
func TestSeal(t *testing.T) {
	t.Parallel()
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEqzu5iXsSBYMl9bJ2kGVHzbnvBHZPZYV5MEnHqfXjaV builder"
	keep := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl other"
	m := boot(t, "rocky9", func(c *Config) { c.SSHKeys = []string{key, keep} })
	mustRun(t, m, `for f in /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do
  if [ -f "$f" ]; then
    kept=$(grep -vF 'AAAAC3NzaC1lZDI1NTE5AAAAIEqzu5iXsSBYMl9bJ2kGVHzbnvBHZPZYV5MEnHqfXjaV' "$f" || true)
    printf '%s\n' "$kept" > "$f"
  fi
done
if command -v cloud-init >/dev/null 2>&1; then
  cloud-init clean --logs >/dev/null 2>&1 || true
  rm -f /etc/ssh/ssh_host_*
fi
if [ -f /etc/machine-id ]; then : > /etc/machine-id; fi
rm -f /var/lib/dbus/machine-id
sync
`)
	if out := mustRun(t, m, "cat /home/rocky/.ssh/authorized_keys; ls /etc/ssh; wc -c < /etc/machine-id"); out != keep+"\nsshd_config\nsshd_config.d\n0\n" {
		t.Errorf("sealed: %q", out)
	}
	if err := m.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	template, err := m.Disk().Clone("")
	if err != nil {
		t.Fatal(err)
	}
	n := bootDisk(t, template, func(c *Config) { c.ID, c.InstanceID, c.Hostname = "two", "two", "two" })
	if out := mustRun(t, n, "hostname; wc -c < /etc/machine-id; ls /etc/ssh | grep -c host; cat /root/.ssh/authorized_keys"); out != "two\n33\n2\n"+keep+"\n" {
		t.Errorf("the next machine: %q", out)
	}
}

func TestEgressClosed(t *testing.T) {
	t.Parallel()
	closed := func(c *Config) { c.Network = openWorld{closed: true} }
	tests := map[string]struct {
		image, command string
		status         int
		want           string
	}{
		"dnf":  {"rocky9", "dnf install -y httpd", 1, "Error: Failed to download metadata for repo 'baseos': Cannot prepare internal mirrorlist: Curl error (28): Timeout was reached"},
		"apt":  {"ubuntu2404", "apt-get install -y apache2", 100, "E: Unable to fetch some archives"},
		"curl": {"rocky9", "curl -sS https://example.com/", 28, "curl: (28) Failed to connect to example.com port 443: Connection timed out"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := boot(t, tc.image, closed)
			before := m.clock.Now()
			r := as(t, m, "root", tc.command)
			if r.status != tc.status || !strings.Contains(r.err, tc.want) {
				t.Errorf("status %d\n%s%s", r.status, r.out, r.err)
			}
			if waited := m.clock.Now().Sub(before); waited < 30*time.Second {
				t.Errorf("gave up after %v of the guest's time", waited)
			}
		})
	}
}

func TestServicesAndReboot(t *testing.T) {
	t.Parallel()
	m := boot(t, "rocky9")
	mustRun(t, m, "dnf -y install httpd nginx; systemctl start httpd")
	if r := as(t, m, "root", "systemctl start nginx"); r.status != 1 || !strings.Contains(r.err, "control process exited") {
		t.Errorf("second server on port 80: %+v", r)
	}
	if r := as(t, m, "root", "systemctl status nothing"); r.status != 4 || r.err != "Unit nothing.service could not be found.\n" {
		t.Errorf("unknown unit: %+v", r)
	}
	if r := as(t, m, "root", "systemctl start nothing"); r.status != 5 || r.err != "Failed to start nothing.service: Unit nothing.service not found.\n" {
		t.Errorf("unknown unit: %+v", r)
	}
	mustRun(t, m, "systemctl is-active httpd")
	if r := as(t, m, "root", "systemctl is-enabled httpd"); r.out != "disabled\n" || r.status != 1 {
		t.Errorf("is-enabled: %+v", r)
	}
	mustRun(t, m, `cat > /etc/systemd/system/mine.service <<E
[Unit]
Description=mine
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'echo started >> /root/mine'
[Install]
WantedBy=multi-user.target
E
systemctl daemon-reload; systemctl enable mine`)
	if err := m.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := as(t, m, "root", "systemctl is-active httpd"); r.out != "inactive\n" || r.status != 3 {
		t.Errorf("not enabled, yet after the restart: %+v", r)
	}
	if out := mustRun(t, m, "cat /root/mine; systemctl is-active mine"); out != "started\nactive\n" {
		t.Errorf("own unit: %q", out)
	}
}

func TestPowerFromInside(t *testing.T) {
	t.Parallel()
	told := make(chan bool, 1)
	m := boot(t, "rocky9", func(c *Config) { c.Power = func(again bool) { told <- again } })
	mustRun(t, m, "echo kept > /root/file; reboot")
	if again := <-told; !again {
		t.Error("reboot told as power off")
	}
	if m.Running() {
		t.Error("still running")
	}
	if err := m.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustRun(t, m, "test -f /root/file; poweroff")
	if again := <-told; again {
		t.Error("power off told as reboot")
	}
}

func TestKillKeepsWhatWasSynced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	disk, err := CreateDisk(dir, "rocky9")
	if err != nil {
		t.Fatal(err)
	}
	m := bootDisk(t, disk)
	mustRun(t, m, "echo one > /root/one; sync; echo two > /root/two")
	m.Kill()
	again, err := OpenDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := again.ReadFile(vfs.Root(), "/root/one"); err != nil {
		t.Error(err)
	}
	if _, err := again.ReadFile(vfs.Root(), "/root/two"); err == nil {
		t.Error("what was never synced survived the power cut")
	}
}

func TestMeter(t *testing.T) {
	t.Parallel()
	m := boot(t, "rocky9", func(c *Config) { c.CPUs = 1 })
	if cpu := m.CPU(); cpu != cpuIdle {
		t.Errorf("idle: %v", cpu)
	}
	mustRun(t, m, "dnf -y install httpd; firewall-cmd --add-service=http; systemctl start httpd; echo hi > /var/www/html/index.html")
	now := time.Unix(1_000_000, 0)
	m.meter.now = func() time.Time { return now }
	for range 50 {
		if status, _, _, err := get(t, m, 80, "/"); err != nil || status != 200 {
			t.Fatal(status, err)
		}
	}
	if load := m.Load(); load.Requests != 10 {
		t.Errorf("50 requests in 5 s: %+v", load)
	}
	if cpu := m.CPU(); cpu < 20 || cpu > 30 {
		t.Errorf("under load: %v", cpu)
	}
	now = now.Add(meterWindow)
	if cpu := m.CPU(); cpu != cpuIdle {
		t.Errorf("afterwards: %v", cpu)
	}
	m.SetCPU(90, m.clock.Now().Add(time.Minute))
	if m.CPU() != 90 {
		t.Error("override ignored")
	}
	_ = m.clock.Sleep(t.Context(), time.Minute)
	if m.CPU() != cpuIdle {
		t.Error("override did not end")
	}
}
