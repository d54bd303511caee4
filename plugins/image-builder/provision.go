package imagebuilder

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// provision carries out the pipeline and removes the build's traces from the machine.
func (b *build) provision(ctx context.Context, pair *keyPair, steps []step) error {
	where, err := b.route(ctx)
	if err != nil {
		return err
	}
	limit := 10 * time.Minute
	if b.plan.Connect != nil && b.plan.Connect.Timeout != "" {
		if limit, err = time.ParseDuration(b.plan.Connect.Timeout); err != nil {
			return fmt.Errorf("connect.timeout: %w", err)
		}
	}
	b.r.Progress("waiting for SSH at %s", where)
	g, err := connect(ctx, where, pair, usersFor(b.plan, b.r.Lookups["source.template"]), limit)
	if err != nil {
		return err
	}
	defer g.close()
	if _, err := g.run(ctx, waitForBoot, nil); err != nil {
		return fmt.Errorf("wait until the machine has booted: %w", err)
	}
	for i, s := range steps {
		b.r.Progress("step %d/%d: %s %q", i+1, len(steps), s.kind, s.name)
		began := time.Now()
		if err := s.run(ctx, g); err != nil {
			return fmt.Errorf("step %d, %s %q, after %s: %w%s", i+1, s.kind, s.name, time.Since(began).Round(time.Millisecond), err, b.hint(s, err))
		}
	}
	b.r.Progress("removing the traces of the build")
	if _, err := g.run(ctx, sealScript(pair), nil); err != nil {
		return fmt.Errorf("remove the traces of the build from the machine: %w", err)
	}
	return nil
}

// waitForBoot lets cloud-init finish: it writes files and installs packages of its own. Its exit status tells of warnings too, which are
// none of ours.
const waitForBoot = `if command -v cloud-init >/dev/null 2>&1; then cloud-init status --wait >/dev/null 2>&1 || true; fi`

// sealScript makes the next boot a first boot, and takes the temporary key away.
func sealScript(pair *keyPair) string {
	return `for f in /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do
  if [ -f "$f" ]; then
    kept=$(grep -vF ` + quote(pair.blob()) + ` "$f" || true)
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
`
}

// hint says what most often is behind a failure, when its words point there.
func (b *build) hint(s step, err error) string {
	text := strings.ToLower(err.Error())
	for _, sign := range []string{"mirror", "could not resolve", "temporary failure", "timed out", "timeout", "unreachable", "failed to download", "cannot download", "unable to fetch"} {
		if s.kind == "package" && strings.Contains(text, sign) {
			return "\nDoes the network have a block such as egress { protocol = \"all\" }? Without one a default isolated network lets nothing out"
		}
	}
	return ""
}
