telemetry::metric! {
    /// Of a gauge.
    gauge a_total();
    /// Of a gauge.
    gauge a_bucket();
    /// Of a gauge.
    gauge a_sum();
    /// Of a gauge.
    gauge a_count();
    /// Of a gauge.
    gauge a_created();
    /// Of a gauge.
    gauge a_info();
    /// Of a histogram.
    histogram b_bytes_total() [1, 2];
    /// Of a histogram.
    histogram c_bytes_bucket() [1, 2];
    /// Of a histogram.
    histogram d_bytes_sum() [1, 2];
    /// Of a histogram.
    histogram e_bytes_count() [1, 2];
    /// Of a histogram.
    histogram f_bytes_created() [1, 2];
    /// Of a histogram.
    histogram g_bytes_info() [1, 2];
    /// Of a counter, which ends in one itself.
    counter h_total_total();
    /// Of a counter.
    counter i_bucket_total();
    /// Of a counter.
    counter j_sum_total();
    /// Of a counter.
    counter k_count_total();
    /// Of a counter.
    counter l_created_total();
    /// Of a counter.
    counter m_info_total();
    /// Of an info.
    info n_total_info();
    /// Of an info.
    info o_bucket_info();
    /// Of an info.
    info p_sum_info();
    /// Of an info.
    info q_count_info();
    /// Of an info.
    info r_created_info();
    /// Of an info, which ends in one itself.
    info s_info_info();
    /// Two of them.
    gauge t_bucket_total();
}

fn main() {}
