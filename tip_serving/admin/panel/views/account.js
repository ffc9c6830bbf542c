// One's own account: another password, and tokens for one's programs. A token is shown once.
import { Once, Tokens } from "tip-panel";

export default {
  components: { Once, Tokens },
  props: { page: Object, lasting: Array, min_length: Number, faults: { type: Object, default: () => ({}) }, made: Object },
  data() {
    return { current: "", fresh: "", is_shown: false, label: "", days: this.lasting[1] };
  },
  watch: {
    made(now) { if (now) this.label = ""; },
  },
  template: `
    <div>
      <div class="head"><div><h1><bdi>{{ page.name }}</bdi></h1><p class="lead">You are here as {{ page.role }}. What you judge stands under this name.</p></div></div>
      <section><h2>Password</h2>
        <p v-if="!page.has_password" class="say">You sign in through your organisation; there is no password here.</p>
        <form v-else class="column" @submit.prevent="$emit('renew', { current, new: fresh })" novalidate>
          <input type="text" name="username" autocomplete="username" :value="page.name" hidden>
          <div class="field"><label for="p-current">Current password</label><input id="p-current" :type="is_shown ? 'text' : 'password'" v-model="current" autocomplete="current-password" :aria-invalid="faults.current ? 'true' : null" aria-describedby="e-current">
            <small id="e-current"><span v-if="faults.current" class="fault">{{ faults.current }}</span></small></div>
          <div class="field"><label for="p-new">New password</label><input id="p-new" :type="is_shown ? 'text' : 'password'" v-model="fresh" autocomplete="new-password" :aria-invalid="faults.new ? 'true' : null" aria-describedby="e-new">
            <small id="e-new"><span v-if="faults.new" class="fault">{{ faults.new }}</span><template v-else>At least {{ min_length }} characters: four words do well. You sign in again afterwards, everywhere.</template></small></div>
          <label class="tick"><input type="checkbox" v-model="is_shown"> Show what I type</label>
          <div class="acts"><button class="primary">Change the password</button></div>
        </form>
      </section>
      <section><h2>API tokens</h2>
        <p class="say">With a token a program acts as you, with your role as it stands then: it sends <code>Authorization: Bearer</code> and the token.</p>
        <Once v-if="made" title="Your new token" :secret="made.token"/>
        <form class="inline-form" @submit.prevent="$emit('make', { label, days })" novalidate>
          <div class="field"><label for="t-label">What it is for</label><input id="t-label" v-model="label" maxlength="100" autocomplete="off" :aria-invalid="faults.label ? 'true' : null" aria-describedby="e-label"><span id="e-label"><span v-if="faults.label" class="fault">{{ faults.label }}</span></span></div>
          <div class="field"><label for="t-days">Holds for</label><select id="t-days" v-model="days"><option v-for="one in lasting" :value="one">{{ one }} days</option><option value="">until I revoke it</option></select></div>
          <button class="primary">Make a token</button>
        </form>
        <Tokens :rows="page.tokens" empty="You have no tokens." @revoke="$emit('revoke', $event)"/>
      </section>
    </div>`,
};
