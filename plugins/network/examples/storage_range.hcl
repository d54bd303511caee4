resource "pod" "storage" {
  name     = "pod-storage"
  gateway  = "172.18.0.1"
  netmask  = "255.255.255.0"
  start_ip = "172.18.0.100"
  end_ip   = "172.18.0.150"
}

resource "storage_range" "storage" {
  pod      = pod.storage.id
  gateway  = "172.18.0.1"
  netmask  = "255.255.255.0"
  start_ip = "172.18.0.10"
  end_ip   = "172.18.0.50"
}
