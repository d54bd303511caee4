package eval

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"net/url"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty/function"
)

func codingFunctions() map[string]function.Function {
	return map[string]function.Function{
		"base64decode": textFunction("text", decodeBase64),
		"base64encode": textFunction("text", func(s string) (string, error) {
			return base64.StdEncoding.EncodeToString([]byte(s)), nil
		}),
		"base64gzip": textFunction("text", gzipBase64),
		"urlencode":  textFunction("text", func(s string) (string, error) { return url.QueryEscape(s), nil }),
		"yamldecode": yamlDecodeFunction(),
		"yamlencode": yamlEncodeFunction(),
	}
}

func decodeBase64(s string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", function.NewArgErrorf(0, "not base64")
	}
	if !utf8.Valid(raw) {
		return "", function.NewArgErrorf(0, "the decoded bytes are not UTF-8 text")
	}
	return string(raw), nil
}

// gzipBase64 compresses without a time stamp, so equal input gives equal output.
func gzipBase64(s string) (string, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		return "", fmt.Errorf("compress: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("compress: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}
