package cloudsim

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// maxUserData is the longest user data after decoding.
const maxUserData = 32768

func chooseUserData(c *Call, d *deployment) error {
	text, id := c.Str("userdata"), c.Str("userdataid")
	if text != "" && id != "" {
		return Invalid("Both userdata and userdata ID inputs are not allowed, please provide only one")
	}
	own := id != "" || text != ""
	linked, hasLinked := c.UserData.Get(d.template.UserDataID)
	if hasLinked && own && d.template.UserDataPolicy == "DENYOVERRIDE" {
		return Internal("UserData is not allowed to override the template's: its policy is DENYOVERRIDE")
	}
	if hasLinked && !own {
		id = linked.ID
	}
	if id != "" {
		u, ok := c.UserData.Get(id)
		if !ok {
			return Invalid("Unable to find userdata by id %s", id)
		}
		text, d.vm.UserDataID = u.Data, u.ID
	}
	if hasLinked && own && d.template.UserDataPolicy == "APPEND" {
		text = appendUserData(linked.Data, text)
	}
	clean, err := cleanUserData(text)
	if err != nil {
		return err
	}
	d.vm.UserData = clean
	if details := c.Map("userdatadetails"); len(details) > 0 {
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(details)) {
			pairs = append(pairs, k+"="+details[k])
		}
		d.vm.UserDataDetails = "{" + strings.Join(pairs, ", ") + "}"
	}
	return nil
}

// appendUserData joins two documents of user data, base64, as parts of one message.
func appendUserData(first, second string) string {
	const boundary = "cloudstack-user-data"
	var b strings.Builder
	b.WriteString("Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\nMIME-Version: 1.0\n")
	for _, part := range []string{first, second} {
		b.WriteString("\n--" + boundary + "\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + part + "\n")
	}
	b.WriteString("--" + boundary + "--\n")
	return base64.StdEncoding.EncodeToString([]byte(b.String()))
}

// cleanUserData checks user data as the server does and pads it.
func cleanUserData(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if strings.Contains(text, "%") {
		if _, err := checkedUserData(text); err != nil && asAPIError(err).CS == csServer {
			return "", err // the server stumbles over its own second decoding
		}
		plain, err := url.PathUnescape(text)
		if err != nil {
			return "", Invalid("User data is not base64 encoded.")
		}
		text = plain
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		if data, err = base64.RawStdEncoding.DecodeString(text); err != nil {
			return "", Invalid("User data is not base64 encoded.")
		}
	}
	if len(data) > maxUserData {
		return "", Invalid("User data has exceeded configurable max length: %d", maxUserData)
	}
	return base64.StdEncoding.EncodeToString(data), nil
}
