package guest

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"path"
	"strconv"
	"strings"
)

func cmdSum(_ context.Context, p *proc) int {
	kinds := map[string]func() hash.Hash{"sha256sum": sha256.New, "sha1sum": sha1.New, "md5sum": md5.New, "sha512sum": sha512.New}
	sum := func(data []byte) string {
		h := kinds[path.Base(p.args[0])]()
		h.Write(data)
		return hex.EncodeToString(h.Sum(nil))
	}
	o := parse(p.args[1:], "")
	list, status := p.inputs(o.args)
	for _, in := range list {
		if !o.has("c", "check") {
			p.printf("%s  %s\n", sum(in.data), in.name)
			continue
		}
		for _, line := range in.lines() {
			want, name, _ := strings.Cut(line, " ")
			name = strings.TrimLeft(name, " *")
			data, err := p.read(name)
			if err != nil || sum(data) != want {
				p.printf("%s: FAILED\n", name)
				status = 1
				continue
			}
			if !o.has("quiet", "status") {
				p.printf("%s: OK\n", name)
			}
		}
	}
	return status
}

func cmdBase64(_ context.Context, p *proc) int {
	o := parse(p.args[1:], "w wrap")
	list, status := p.inputs(o.args)
	for _, in := range list {
		if o.has("d", "decode", "D") {
			data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(in.data)), ""))
			if err != nil {
				return p.fail("invalid input")
			}
			_, _ = p.out.Write(data)
			continue
		}
		text := base64.StdEncoding.EncodeToString(in.data)
		width := 76
		if w := o.value("w", "wrap"); w != "" {
			n, err := strconv.Atoi(w)
			if err != nil {
				return p.fail("invalid wrap size: '%s'", w)
			}
			width = n
		}
		for width > 0 && len(text) > width {
			p.printf("%s\n", text[:width])
			text = text[width:]
		}
		p.printf("%s", text)
		if width > 0 {
			p.printf("\n")
		}
	}
	return status
}
