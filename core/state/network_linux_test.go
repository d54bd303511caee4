package state

import "testing"

func TestNetworkFileSystemsAreKnown(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		magic int64
		want  string
	}{
		"nfs":                   {0x6969, "NFS"},
		"cifs":                  {0xff534d42, "CIFS"},
		"cifs as a signed word": {-11317950, "CIFS"},
		"ext4":                  {0xef53, ""},
		"xfs":                   {0x58465342, ""},
		"tmpfs":                 {0x01021994, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := networkName(test.magic); got != test.want {
				t.Errorf("file system %#x is %q, want %q", test.magic, got, test.want)
			}
		})
	}
}
