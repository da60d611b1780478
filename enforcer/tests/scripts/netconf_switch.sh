#!/bin/bash
# A switch that is spoken to by NETCONF: netconfd (yuma123) behind an sshd of its own, on loopback.
# netconf_switch.sh FOLDER PORT: everything it writes is in FOLDER, also the process ids that end it (`netconfd.pid`, `sshd.pid`).
# Its ports are v-plc, v-hmi, v-rogue and v-pump in VLAN 10 and the trunk v-up, each told by both models.
set -eu
folder=$1
port=$2
here=$(cd "$(dirname "$0")" && pwd)
modules=/usr/share/yuma/modules
mkdir -p "$folder"

key() {
    [ -e "$folder/$2" ] || ssh-keygen -q -t "$1" -N '' -C "$2" -f "$folder/$2"
}
for name in host other client stranger; do
    key ed25519 $name
done
key ecdsa ecdsa
key rsa rsa
cat "$folder/client.pub" "$folder/ecdsa.pub" > "$folder/authorized"
chmod 600 "$folder/authorized"

cat > "$folder/sshd_config" <<END
ListenAddress 127.0.0.1
Port $port
HostKey $folder/${HOST_KEY:-host}
PidFile none
AuthorizedKeysFile $folder/authorized
PermitRootLogin yes
PasswordAuthentication no
StrictModes no
UsePAM no
Subsystem netconf "/usr/sbin/netconf-subsystem --ncxserver-sockname=$port@$folder/ncx.sock"
END

ietf_port() {
    echo "<interface><name>$1</name><description>$2</description><type xmlns:i=\"urn:ietf:params:xml:ns:yang:iana-if-type\">"
    echo "i:ethernetCsmacd</type><switchport xmlns=\"urn:fieldwarden:test:switchport\">$3</switchport></interface>"
}

openconfig_port() {
    echo "<interface><name>$1</name><config><name>$1</name>$2</config><ethernet xmlns=\"http://openconfig.net/yang/interfaces/ethernet\">"
    echo "<switched-vlan xmlns=\"http://openconfig.net/yang/vlan\"><config>$3</config></switched-vlan></ethernet></interface>"
}

startup() {
    echo '<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces">'
    for name in v-plc v-hmi v-rogue v-pump; do
        ietf_port $name "cell 1, &lt;$name&gt; &amp; more" '<mode>access</mode><access-vlan>10</access-vlan>'
    done
    ietf_port v-up '' '<mode>trunk</mode><access-vlan>10</access-vlan>'
    echo '</interfaces><interfaces xmlns="http://openconfig.net/yang/interfaces">'
    for name in v-plc v-hmi v-rogue v-pump; do
        openconfig_port $name '' '<interface-mode>ACCESS</interface-mode><access-vlan>10</access-vlan>'
    done
    openconfig_port v-up '' '<interface-mode>TRUNK</interface-mode><trunk-vlans>10</trunk-vlans><trunk-vlans>20</trunk-vlans>'
    echo '</interfaces></config>'
}
[ -e "$folder/startup-cfg.xml" ] || startup > "$folder/startup-cfg.xml"

# What a confirmed commit goes back to lies in `backup-cfg.xml` of the folder it is started in, and the number of its last
# transaction in the home of its user, wherever HOME is: two servers that share either spoil each other's.
cd "$folder"
rm -f ncx.sock
mkdir -p own ~root/.yuma
setsid unshare --mount bash -c 'mount --bind own ~root/.yuma; exec "$@"' netconfd /usr/sbin/netconfd \
    --module=ietf-interfaces --module=iana-if-type --module=fieldwarden-test-switchport \
    --module=openconfig-interfaces --module=openconfig-if-ethernet --module=openconfig-vlan \
    --modpath="$here/yang:$modules/ietf:$modules/yuma123:$modules/netconfcentral:$modules/ietf-derived" \
    --startup="$folder/startup-cfg.xml" --superuser=root --target=candidate --port="$port" \
    --ncxserver-sockname="$folder/ncx.sock" --log="$folder/netconfd.log" --log-level=debug \
    > netconfd.out 2>&1 < /dev/null &
echo $! > netconfd.pid
mkdir -p /run/sshd
setsid /usr/sbin/sshd -D -f "$folder/sshd_config" -E "$folder/sshd.log" > /dev/null 2>&1 < /dev/null &
echo $! > sshd.pid

is_up() {
    [ -S ncx.sock ] && (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null
}
for _ in $(seq 400); do
    is_up && exit 0
    sleep 0.05
done
tail -5 netconfd.log sshd.log >&2
exit 1
