/** Quotas and rate limits of a project. https://cloud.google.com/compute/resource-usage */
export interface Limits {
  /** Quotas by Google's metric; a regional one applies to each region. */
  quotas: Record<string, number>
  /** Snapshots of one disk per hour. https://cloud.google.com/compute/docs/disks/snapshots#frequency_limits */
  snapshotsPerDiskAndHour: number
  /** Requests to the Compute API per minute. https://cloud.google.com/compute/api-quota */
  requestsPerMinute: number
}

/** What Google grants a small project that is no longer new. */
export const usualLimits: Limits = {
  quotas: {
    NETWORKS: 15,
    SUBNETWORKS: 100,
    FIREWALLS: 100,
    ROUTERS: 10,
    SNAPSHOTS: 5000,
    IMAGES: 2000,
    INSTANCES: 24,
    CPUS: 24,
    PREEMPTIBLE_CPUS: 24,
    DISKS_TOTAL_GB: 4096,
    SSD_TOTAL_GB: 2048,
    STATIC_ADDRESSES: 8,
    IN_USE_ADDRESSES: 8,
  },
  snapshotsPerDiskAndHour: 6,
  requestsPerMinute: 1500,
}
