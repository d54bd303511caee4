package eval

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

func hashFunctions() map[string]function.Function {
	return map[string]function.Function{
		"base64sha256": hashFunction(sha256.New, base64.StdEncoding.EncodeToString),
		"base64sha512": hashFunction(sha512.New, base64.StdEncoding.EncodeToString),
		"md5":          hashFunction(md5.New, hex.EncodeToString),
		"sha1":         hashFunction(sha1.New, hex.EncodeToString),
		"sha256":       hashFunction(sha256.New, hex.EncodeToString),
		"sha512":       hashFunction(sha512.New, hex.EncodeToString),
		"uuidv5":       uuidFunction(),
	}
}

func hashFunction(newHash func() hash.Hash, encode func([]byte) string) function.Function {
	return textFunction("text", func(s string) (string, error) {
		h := newHash()
		h.Write([]byte(s)) // a hash never fails to write
		return encode(h.Sum(nil)), nil
	})
}

// textFunction is a function from one text to another.
func textFunction(param string, f func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{{Name: param, Type: cty.String}},
		Type:         function.StaticReturnType(cty.String),
		RefineResult: func(r *cty.RefinementBuilder) *cty.RefinementBuilder { return r.NotNull() },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			s, err := f(args[0].AsString())
			if err != nil {
				return cty.NilVal, err
			}
			return cty.StringVal(s), nil
		},
	})
}

// uuidFunction makes the same UUID of the same namespace and name, always
// (RFC 9562, version 5).
func uuidFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "namespace", Type: cty.String}, {Name: "name", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			namespace, err := uuidNamespace(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			sum := sha1.Sum(append(namespace, args[1].AsString()...))
			u := sum[:16]
			u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
			return cty.StringVal(fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])), nil
		},
	})
}

func uuidNamespace(name string) ([]byte, error) {
	text := name
	switch name {
	case "dns":
		text = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	case "url":
		text = "6ba7b811-9dad-11d1-80b4-00c04fd430c8"
	case "oid":
		text = "6ba7b812-9dad-11d1-80b4-00c04fd430c8"
	case "x500":
		text = "6ba7b814-9dad-11d1-80b4-00c04fd430c8"
	}
	if len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' {
		if b, err := hex.DecodeString(text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]); err == nil {
			return b, nil
		}
	}
	return nil, fmt.Errorf("the namespace is dns, url, oid, x500 or a UUID")
}
