package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// gitTime bounds each call of git.
const gitTime = 10 * time.Minute

// gitPacked bounds what a fetch may write.
const gitPacked = 1 << 30

var commitID = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// gitRepo is one repository on its way here.
type gitRepo struct {
	url string
	dir string // a bare repository of our own
}

// fetchGit writes the files of a commit into a tree and returns the commit.
func fetchGit(ctx context.Context, s Source, scratch string, t *tree) (commit string, err error) {
	r := gitRepo{url: s.Location, dir: filepath.Join(scratch, "git")}
	ctx, cancel := context.WithTimeout(ctx, gitTime)
	defer cancel()
	if _, err := r.git(ctx, nil, "init", "--quiet", "--bare", "--template=", r.dir); err != nil {
		return "", err
	}
	want, name := s.Ref, ""
	if !commitID.MatchString(s.Ref) {
		refs, err := r.refs(ctx)
		if err != nil {
			return "", err
		}
		if name, want, err = pickRef(s.Ref, refs); err != nil {
			return "", err
		}
	}
	if err := r.fetch(ctx, name, want); err != nil {
		return "", err
	}
	out, err := r.git(ctx, nil, "-C", r.dir, "rev-parse", "--verify", "--end-of-options", want+"^{commit}")
	if err != nil {
		return "", fmt.Errorf("there is no commit %s", want)
	}
	commit = strings.TrimSpace(string(out))
	return commit, r.unpack(ctx, commit, t)
}

// refs asks the repository for its branches and tags.
func (r gitRepo) refs(ctx context.Context) (map[string]string, error) {
	out, err := r.git(ctx, nil, "ls-remote", "--", r.url)
	if err != nil {
		return nil, err
	}
	refs := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if id, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && commitID.MatchString(id) {
			refs[name] = id
		}
	}
	return refs, nil
}

// pickRef finds what a user's word means: a tag before a branch.
func pickRef(ref string, refs map[string]string) (name, id string, err error) {
	candidates := []string{"HEAD"}
	if ref != "" {
		candidates = []string{"refs/tags/" + ref, "refs/heads/" + ref}
	}
	for _, c := range candidates {
		if id, ok := refs[c]; ok {
			return c, id, nil
		}
	}
	if ref == "" {
		return "", "", errors.New("the repository is empty")
	}
	var tags []string
	for name := range refs {
		if tag, ok := strings.CutPrefix(name, "refs/tags/"); ok && !strings.HasSuffix(tag, "^{}") {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	if len(tags) > 10 {
		tags = append(tags[len(tags)-10:], "…")
	}
	return "", "", fmt.Errorf("there is no tag or branch %q; its tags: %s", ref, strings.Join(tags, ", "))
}

// tags lists the tags that are versions.
func gitTags(ctx context.Context, s Source) ([]string, error) {
	refs, err := gitRepo{url: s.Location}.refs(ctx)
	if err != nil {
		return nil, err
	}
	var tags []string
	for name := range refs {
		if tag, ok := strings.CutPrefix(name, "refs/tags/"); ok && !strings.HasSuffix(tag, "^{}") {
			tags = append(tags, tag)
		}
	}
	return tags, nil
}

// fetch brings one commit, without history where the server lets us. A commit
// that has no name may be refused by older servers, so then all is fetched.
func (r gitRepo) fetch(ctx context.Context, name, id string) error {
	want := name
	if want == "" {
		want = id
	}
	_, err := r.git(ctx, nil, "-C", r.dir, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", r.url, want)
	if err == nil || name != "" || ctx.Err() != nil {
		return err
	}
	_, err = r.git(ctx, nil, "-C", r.dir, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--", r.url,
		"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
	return err
}

// unpack takes the files of a commit through the same strict door as those of
// an archive: nothing is ever checked out.
func (r gitRepo) unpack(ctx context.Context, commit string, t *tree) error {
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := r.git(ctx, writer, "-C", r.dir, "archive", "--format=tar", commit)
		done <- errors.Join(err, writer.CloseWithError(err)) // the latter never fails
	}()
	all := &bounded{ctx: ctx, r: reader, left: t.limits.Total + t.limits.Slack, what: "it holds more than " + size(t.limits.Total)}
	err := unpackTar(t, all)
	if err == nil {
		_, err = io.Copy(io.Discard, all)
	}
	_ = reader.CloseWithError(errors.New("no more is wanted")) // never fails
	gitErr := <-done
	if err != nil {
		return damaged(err)
	}
	return gitErr
}

// git runs git on its own: no configuration but ours, no questions, no hooks,
// no protocol but those that a source may name. Without out, the output comes
// back.
func (r gitRepo) git(ctx context.Context, out io.Writer, args ...string) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	program, err := exec.LookPath("git")
	if err != nil {
		return nil, errors.New("a git source needs the program git, which is not installed")
	}
	scheme, _, _ := strings.Cut(r.url, "://") // the only one: a redirect leads to no other
	own := []string{
		"-c", "protocol.allow=never", "-c", "protocol.ext.allow=never", "-c", "protocol." + scheme + ".allow=always",
		"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "credential.helper=", "-c", "http.followRedirects=initial",
		"-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60", "-c", "core.autocrlf=false",
	}
	cmd := exec.CommandContext(ctx, program, append(own, args...)...) //#nosec G204 -- fixed program; URL and names follow --
	cmd.Env = gitEnvironment(os.Environ())
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stderr = &tail{w: &stderr, left: 16 << 10}
	cmd.Stdout = &tail{w: &stdout, left: 32 << 20}
	if out != nil {
		cmd.Stdout = out
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("run git: %w", err)
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		r.watch(ctx, cancel)
	}()
	err = cmd.Wait()
	cause := context.Cause(ctx)
	cancel(nil)
	<-watched
	switch {
	case err == nil:
		return stdout.Bytes(), nil
	case cause != nil:
		return nil, fmt.Errorf("git %s: %w", r.url, cause)
	}
	return nil, fmt.Errorf("git %s: %s", r.url, lastWords(stderr.String(), err))
}

// watch ends git when it writes more than it may.
func (r gitRepo) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	if r.dir == "" {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if folderSize(r.dir) > gitPacked {
				cancel(refuse("", "the repository is larger than %s", size(gitPacked)))
				return
			}
		}
	}
}

func folderSize(dir string) int64 {
	var n int64
	// git removes files of its own meanwhile: what cannot be read is not counted.
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}

// gitEnvironment keeps what reaches a server: proxies, certificates, the keys
// of ssh. Nothing in it lets git ask.
func gitEnvironment(environ []string) []string {
	env := []string{
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=false", "SSH_ASKPASS=false", "SSH_ASKPASS_REQUIRE=never",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_SSH_COMMAND=ssh -o BatchMode=yes", "GIT_OPTIONAL_LOCKS=0", "GIT_LFS_SKIP_SMUDGE=1", "LC_ALL=C",
	}
	for _, pair := range environ {
		switch name, _, _ := strings.Cut(pair, "="); name {
		case "PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO",
			"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy":
			env = append(env, pair)
		}
	}
	return env
}

// lastWords is the line in which git says why it gave up.
func lastWords(stderr string, err error) string {
	var last string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "fatal: ") || strings.HasPrefix(line, "error: ") {
			return line
		}
		if line != "" {
			last = line
		}
	}
	if last == "" {
		return err.Error()
	}
	return last
}

// tail takes so many bytes and drops the rest.
type tail struct {
	w    *bytes.Buffer
	left int
}

func (t *tail) Write(p []byte) (int, error) {
	take := min(len(p), t.left)
	t.left -= take
	t.w.Write(p[:take])
	return len(p), nil
}
