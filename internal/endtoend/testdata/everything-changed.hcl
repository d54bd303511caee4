# One object of every bundled type.
data "zone" "one" {}
data "network_offering" "isolated" {
  name = "DefaultIsolatedNetworkOfferingWithSourceNatService"
}
data "vpc_offering" "usual" {
  name = "Default VPC offering"
}
data "offering" "small" {
  name = "Small Instance"
}
data "service_offering" "medium" {
  name = "Medium Instance"
}
data "disk_offering" "custom" {
  name = "Custom"
}
data "os_type" "rocky" {
  name = "Rocky Linux 9"
}
data "template" "rocky" {
  name = "Rocky Linux 9"
}
data "account" "me" {
  name = "admin"
}
data "domain" "root" {
  name = "ROOT"
}
data "network" "made" {
  name       = "everything"
  depends_on = [network.all]
}

resource "network" "all" {
  name        = "everything"
  description = "Everything, changed"
  offering    = data.network_offering.isolated.id
  zone        = data.zone.one.id
  gateway     = "10.20.0.1"
  netmask     = "255.255.255.0"
  domain_name = "all.example"
  egress {
    protocol = "all"
  }
  egress {
    protocol = "tcp"
    ports    = "443-444"
  }
  tags = {
    team = "two"
    kind = "test & trial"
  }
}

# Machines come first: the first one gives the network its source NAT address.
resource "public_ip" "web" {
  network    = network.all.id
  depends_on = [instance.a]
  tags = {
    use = "web"
  }
}

resource "firewall" "web" {
  public_ip = public_ip.web.id
  rule {
    ports = "8000-8010"
    cidrs = ["192.0.2.0/24", "198.51.100.0/24"]
  }
  rule {
    ports = "8444"
  }
  rule {
    protocol  = "icmp"
    icmp_type = 8
    icmp_code = 0
  }
}

resource "port_forward" "ssh" {
  public_ip    = public_ip.web.id
  instance     = instance.a.id
  public_port  = 2222
  private_port = 2022
  firewall {
    cidrs = ["198.51.100.0/24"]
  }
}

resource "public_ip" "nat" {
  network    = network.all.id
  depends_on = [instance.a]
}

resource "static_nat" "b" {
  public_ip = public_ip.nat.id
  instance  = instance.b.id
}

resource "firewall" "b" {
  public_ip = static_nat.b.id
  rule {
    ports = "443"
  }
}

resource "ssh_keypair" "made" {
  name = "made"
}

resource "ssh_keypair" "given" {
  name       = "given"
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIsp8fnN0wDjVhXDwSZuIz5GI7vYCVoGAdZ0pZMzfG0x somebody"
}

resource "affinity_group" "apart" {
  name        = "apart"
  type        = "non-strict host anti-affinity"
  description = "Not on the same host"
}

resource "user_data" "hello" {
  name      = "hello"
  content   = "#cloud-config\n# {{who}}\n"
  variables = ["who"]
}

resource "instance" "a" {
  name            = "all-a"
  display_name    = "Still first"
  group           = "g2"
  offering        = "Medium Instance"
  template        = "Rocky Linux 9"
  network         = network.all.id
  address         = "10.20.0.20"
  key_pairs       = [ssh_keypair.made.name, ssh_keypair.given.name]
  affinity_groups = []
  root_disk_size  = 25
  user_data       = "#cloud-config\n# ${join("", [for i in range(1000) : "longer"])}\n"
  details = {
    rootDiskController = "virtio"
  }
  tags = {
    role = "changed"
  }
}

resource "instance" "b" {
  name         = "all-b"
  offering     = "Small Instance"
  template     = "Rocky Linux 9"
  networks     = [network.all.id]
  user_data_id = user_data.hello.id
  running      = false
  depends_on   = [instance.a]
}

resource "volume" "data" {
  name     = "more-data"
  offering = "Custom"
  size     = 4
  instance = null
}

resource "snapshot" "data" {
  name   = "before"
  volume = volume.data.id
  tags = {
    keep = "yes"
  }
}

resource "vm_snapshot" "b" {
  name        = "fresh"
  description = "As it was made"
  instance    = instance.b.id
  memory      = false
  depends_on  = [volume.data, snapshot.data]
}

pipeline "small" {
  step "file" "hello" {
    path    = "/srv/hello"
    content = "two"
  }
}

resource "image" "all" {
  name        = "everything"
  description = "Another image"
  os_type     = "Rocky Linux 9"
  public      = true
  featured    = true
  pipeline    = pipeline.small
  details = {
    rootDiskController = "virtio"
  }
  source {
    template       = "Rocky Linux 9"
    offering       = "Small Instance"
    network        = network.all.id
    root_disk_size = 30
    user_data      = "#cloud-config\n"
  }
  keep {
    images           = 1
    source_snapshots = 1
  }
  depends_on = [instance.a]
}

resource "load_balancer" "members" {
  name        = "renamed"
  network     = network.all.id
  public_ip   = public_ip.web.id
  public_port = 80
  algorithm   = "leastconn"
  cidrs       = ["192.0.2.0/24", "198.51.100.0/24"]
  members     = [instance.a.id, instance.b.id]
  stickiness {
    method = "SourceBased"
    params = { tablesize = "200k"
      expire    = "30m" }
  }
}

resource "load_balancer" "group" {
  network      = network.all.id
  public_port  = 81
  private_port = 8080
  depends_on   = [instance.a]
}

resource "autoscale_group" "all" {
  name          = "everything"
  load_balancer = load_balancer.group.id
  network       = network.all.id
  template      = image.all.id
  offering      = "Small Instance"
  min_members   = 2
  max_members   = 3
  interval      = "20s"
  grace_period  = "10s"
  user_data     = "#cloud-config\n# two\n"
  deploy_params = {
    keypairs     = ssh_keypair.given.name
    rootdisksize = "30"
  }
  scale_up "cpu" {
    duration   = "90s"
    quiet_time = "60s"
    condition {
      counter   = "cpu"
      operator  = ">"
      threshold = 60
    }
    condition {
      counter   = "memory"
      operator  = ">="
      threshold = 1
    }
  }
  scale_down "idle" {
    duration = "120s"
    condition {
      counter   = "cpu"
      operator  = "<"
      threshold = 1
    }
  }
  rollout {
    min_ready     = "0s"
    drain_timeout = "0s"
  }
}
