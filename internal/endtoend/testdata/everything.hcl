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
  description = "Everything at once"
  offering    = data.network_offering.isolated.id
  zone        = data.zone.one.id
  gateway     = "10.20.0.1"
  netmask     = "255.255.255.0"
  domain_name = "all.example"
  egress {
    protocol = "all"
  }
  egress {
    protocol     = "udp"
    ports        = "53"
    cidrs        = ["10.20.0.0/25"]
    destinations = ["192.0.2.53/32"]
  }
  tags = {
    team = "one"
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
    ports = "8443"
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
  private_port = 22
  firewall {
    cidrs = ["192.0.2.0/24"]
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
  display_name    = "First"
  group           = "g1"
  offering        = "Small Instance"
  template        = "Rocky Linux 9"
  network         = network.all.id
  address         = "10.20.0.20"
  key_pairs       = [ssh_keypair.made.name, ssh_keypair.given.name]
  affinity_groups = [affinity_group.apart.id]
  root_disk_size  = 25
  user_data       = "#cloud-config\n# ${join("", [for i in range(1000) : "longer"])}\n"
  details = {
    rootDiskController = "virtio"
  }
  tags = {
    role = "first"
  }
}

resource "instance" "b" {
  name         = "all-b"
  offering     = "Small Instance"
  template     = "Rocky Linux 9"
  networks     = [network.all.id]
  user_data_id = user_data.hello.id
  running      = true
  depends_on   = [instance.a]
}

resource "volume" "data" {
  name     = "data"
  offering = "Custom"
  size     = 3
  instance = instance.a.id
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
    content = "one"
  }
}

resource "image" "all" {
  name        = "everything"
  description = "An image"
  os_type     = "Rocky Linux 9"
  public      = false
  featured    = false
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
  name        = "members"
  network     = network.all.id
  public_ip   = public_ip.web.id
  public_port = 80
  algorithm   = "roundrobin"
  cidrs       = ["0.0.0.0/0"]
  members     = [instance.a.id]
  stickiness {
    method = "LbCookie"
    params = { "cookie-name" = "SRV"
      mode          = "insert" }
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
  min_members   = 1
  max_members   = 3
  interval      = "30s"
  grace_period  = "30s"
  user_data     = "#cloud-config\n# one\n"
  deploy_params = {
    keypairs     = ssh_keypair.given.name
    rootdisksize = "30"
  }
  scale_up "cpu" {
    duration   = "60s"
    quiet_time = "60s"
    condition {
      counter   = "cpu"
      operator  = ">"
      threshold = 70
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
      counter   = "connections"
      operator  = "<"
      threshold = 1
    }
  }
  rollout {
    min_ready     = "0s"
    drain_timeout = "0s"
  }
}
