package cloudstack

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Params are the parameters of a command as the API spells them. Its methods encode lists and maps the way the server reads them.
type Params map[string]string

// Request is a digest of a command and its parameters, which tells whether two changes ask for the same.
func (c *Client) Request(command string, params Params) []byte {
	sum := sha256.New()
	put := func(text string) { fmt.Fprintf(sum, "%d:%s", len(text), text) }
	put(command)
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if c.carrier != nil && name == "token" {
			continue // tells the request apart, and not what it is about
		}
		put(name)
		put(params[name])
	}
	return sum.Sum(nil)[:16]
}

// Set puts a value unless it is empty, and returns p for chaining.
func (p Params) Set(name, value string) Params {
	if value != "" {
		p[name] = value
	}
	return p
}

// Int puts a number.
func (p Params) Int(name string, value int) Params { p[name] = strconv.Itoa(value); return p }

// Bool puts true or false; the server takes anything else as false.
func (p Params) Bool(name string, value bool) Params { p[name] = strconv.FormatBool(value); return p }

// List puts the values as one comma list, nothing when there are none.
func (p Params) List(name string, values []string) Params {
	return p.Set(name, strings.Join(values, ","))
}

// Map puts name[0].key=value for each entry: details, tags' relatives, userdatadetails.
func (p Params) Map(name string, values map[string]string) Params {
	for k, v := range values {
		p[name+"[0]."+k] = v
	}
	return p
}

// Pairs puts name[i].<key>=k and name[i].<value>=v for each entry in order of k: tags (key, value), stickiness and deploy parameters
// (name, value).
func (p Params) Pairs(name, key, value string, values map[string]string) Params {
	for i, k := range slices.Sorted(maps.Keys(values)) {
		p[fmt.Sprintf("%s[%d].%s", name, i, key)] = k
		p[fmt.Sprintf("%s[%d].%s", name, i, value)] = values[k]
	}
	return p
}

// UserData puts user data, encoded as the API wants it.
func (p Params) UserData(text string) Params {
	if text != "" {
		p["userdata"] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	return p
}

// String lists the parameters in order with secret values masked.
func (p Params) String() string {
	var b strings.Builder
	for i, k := range slices.Sorted(maps.Keys(p)) {
		if i > 0 {
			b.WriteByte(' ')
		}
		v := strconv.Quote(p[k])
		if secretParam(k) {
			v = "(hidden)"
		}
		b.WriteString(k + "=" + v)
	}
	return b.String()
}

// GoString is String.
func (p Params) GoString() string { return p.String() }

// secretParam says whether values of this parameter are never shown.
func secretParam(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"password", "userdata", "privatekey", "secret", "apikey", "signature", "presharedkey", "sessionkey", "passphrase"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
