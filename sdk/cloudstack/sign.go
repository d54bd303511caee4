package cloudstack

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // CloudStack signs with HMAC-SHA1
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"slices"
	"strings"
	"time"
)

// signatureLife is how long a signed request is good for when no lease says otherwise.
const signatureLife = 10 * time.Minute

// leaseMargin is how much before the end of the lease a signature expires.
const leaseMargin = 5 * time.Second

// signedQuery is the whole request as a query string, signed with version 3 (which expires).
func (c *cloud) signedQuery(command string, params Params, kind Signature, now time.Time) string {
	all := make(map[string]string, len(params)+6)
	for k, v := range params {
		all[k] = v
	}
	expires := now.Add(signatureLife)
	if c.settings.Lease != nil {
		if end := c.settings.Lease().Add(-leaseMargin); end.Before(expires) {
			expires = end
		}
	}
	all["command"] = command
	all["response"] = "json"
	all["apikey"] = c.apiKey()
	all["signatureversion"] = "3"
	all["expires"] = expires.Add(time.Duration(c.offset.Load())).UTC().Format("2006-01-02T15:04:05-0700")
	query := canonical(all)
	return query + "&signature=" + encode(sign(query, c.secretKey(), kind))
}

// canonical joins name=value in byte order of the names. Names are sent as they are: the server does not decode them for signing.
func canonical(params map[string]string) string {
	names := make([]string, 0, len(params))
	for k := range params {
		names = append(names, k)
	}
	slices.Sort(names)
	var b strings.Builder
	for i, k := range names {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(k)
		b.WriteByte('=')
		b.WriteString(encode(params[k]))
	}
	return b.String()
}

// sign is the base64 of the HMAC of the lower-cased query.
func sign(query, secret string, kind Signature) string {
	newHash := func() hash.Hash { return sha1.New() }
	if kind == SignatureSHA256 {
		newHash = sha256.New
	}
	mac := hmac.New(newHash, []byte(secret))
	mac.Write([]byte(strings.ToLower(query)))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// encode does what Java's URLEncoder does, with %20 for a space: letters, digits and . - * _ stay, all else is %XX of its UTF-8 bytes.
// Go's url.QueryEscape differs on the space, the star and the tilde, and then the signature is wrong.
func encode(value string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(value))
	for i := range len(value) {
		ch := value[i]
		switch {
		case 'a' <= ch && ch <= 'z', 'A' <= ch && ch <= 'Z', '0' <= ch && ch <= '9', ch == '.', ch == '-', ch == '*', ch == '_':
			b.WriteByte(ch)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[ch>>4])
			b.WriteByte(hex[ch&15])
		}
	}
	return b.String()
}
