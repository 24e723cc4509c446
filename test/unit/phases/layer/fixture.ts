import { planned } from '../../model/layer/fixture.ts'

/** A network to be made: nothing is lost by it. */
export const NETWORK = planned('module.network.google_compute_network.this', ['create'], { name: 'the-network' })
/** A firewall rule that goes: no data, but it was not asked for. */
export const RULE = planned('google_compute_firewall.ssh', ['delete'], { name: 'the-rule' })
/** A subnet that is replaced. */
export const SUBNET = planned('google_compute_subnetwork.this', ['delete', 'create'], { name: 'the-subnet' })
/** A disk that goes, with its data. */
export const DISK = planned('google_compute_disk.data', ['delete'], { name: 'the-disk', size: 50 })
/** A boot disk that is made empty. */
export const BOOT_DISK = planned('google_compute_disk.boot', ['create'], { name: 'the-boot-disk', image: 'debian' })
